// The page begins: its style, its routes, and the session that there was.

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { ApiError } from "./api/client";
import { App } from "./app";
import { resume } from "./session";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/calls.css";
import "./styles/call.css";

// What cannot be is not asked for again: only silence and failures of the stack are.
const isWorthTrying = (count: number, error: Error) =>
  count < 3 && (!(error instanceof ApiError) || error.status === 0 || error.status >= 500);

const queries = new QueryClient({
  defaultOptions: { queries: { retry: isWorthTrying, staleTime: 10_000, refetchOnWindowFocus: false } },
});

resume();

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <BrowserRouter>
          <App />
        </BrowserRouter>
      </QueryClientProvider>
    </StrictMode>,
  );
}
