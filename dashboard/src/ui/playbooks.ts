import { useQuery } from "@tanstack/react-query";
import { api, body } from "../api/client";
import type { PlaybookSummary } from "../api/types";

/** The playbooks that calls can name. */
export function usePlaybooks(): PlaybookSummary[] {
  const query = useQuery({
    queryKey: ["playbooks"],
    queryFn: () => body(api.GET("/v1/playbooks")),
    staleTime: 60_000,
  });
  return query.data?.playbooks ?? [];
}
