// What people are called, where one may know it.

import { useQuery } from "@tanstack/react-query";
import { api, body } from "../api/client";
import { useMay, useMe } from "../permissions";

/** From the id that calls carry to the name that people know. */
export function useNames(): (principal: string) => string {
  const me = useMe();
  const users = useQuery({
    queryKey: ["users"],
    queryFn: () => body(api.GET("/v1/users")),
    enabled: useMay("read_team"),
    retry: false,
    staleTime: 60_000,
  });
  return (principal) => {
    if (principal === me?.principal) return me.name ?? (principal === "local" ? "This machine" : "You");
    return users.data?.users.find((user) => user.id === principal)?.name ?? principal;
  };
}
