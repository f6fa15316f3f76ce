// The REST API, to read and to try: from the document that the stack serves, with the token of whoever is signed in.

import { useEffect, useRef } from "react";
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import { freshToken } from "../../session";
import "./docs.css";

export default function DocsPage() {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!place.current) return;
    SwaggerUI({
      url: "/openapi.json",
      domNode: place.current,
      docExpansion: "none",
      defaultModelsExpandDepth: 0,
      deepLinking: false,
      validatorUrl: null,
      requestInterceptor: async (request: { url: string; headers: Record<string, string> }) => {
        const token = await freshToken();
        // Only Callboard itself is shown the token.
        if (token && new URL(request.url, location.href).origin === location.origin) {
          request.headers.Authorization = `Bearer ${token}`;
        }
        return request;
      },
    });
  }, []);
  return (
    <>
      <title>API · Callboard</title>
      <div className="page-head">
        <div>
          <h1>API</h1>
          <p className="hint">
            What you try here is done with your own token. The documents: <a href="/openapi.json">openapi.json</a> and,
            of the socket, <a href="/asyncapi.json">asyncapi.json</a>.
          </p>
        </div>
      </div>
      <div className="docs panel" ref={place} />
    </>
  );
}
