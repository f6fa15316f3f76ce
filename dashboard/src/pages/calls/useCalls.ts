// Calls by page, what narrows them, and those that go on now, kept up to date by what is pushed.

import { type InfiniteData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { useSearchParams } from "react-router";
import { api, body } from "../../api/client";
import type { Call, CallStatus } from "../../api/types";
import { watchCalls } from "../../live/socket";
import { sentence } from "../../words";

const PAGE = 50;
const OPEN: CallStatus[] = ["live", "ending"];

export interface Filters {
  search?: string;
  status?: string;
  agent?: string;
  playbook?: string;
  objection?: string;
  from?: string;
  to?: string;
}

const NAMES = ["search", "status", "agent", "playbook", "objection", "from", "to"] as const;

/** Filters stand in the address, so that they can be kept and passed on. */
export function useFilters(): [Filters, (filters: Filters) => void] {
  const [parameters, setParameters] = useSearchParams();
  const filters = useMemo(() => {
    const read: Filters = {};
    for (const name of NAMES) read[name] = parameters.get(name) ?? undefined;
    return read;
  }, [parameters]);
  const change = (next: Filters) => {
    const kept = NAMES.flatMap((name) => (next[name] ? [[name, next[name]]] : []));
    setParameters(Object.fromEntries(kept), { replace: true });
  };
  return [filters, change];
}

/** A day begins and ends where the person is. */
const dayStart = (day: string | undefined, later = 0) => {
  if (!day) return undefined;
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
};

function queryOf({ status, agent, playbook, objection, from, to }: Filters) {
  return {
    limit: PAGE,
    status: status as Exclude<CallStatus, "deleted"> | undefined,
    agent,
    playbook,
    objection,
    from: dayStart(from),
    to: dayStart(to, 1),
  };
}

type Page = { calls: Call[]; next?: string | null };

export function useCalls(filters: Filters) {
  const queries = useQueryClient();
  const wanted = queryOf(filters);
  const query = useInfiniteQuery({
    queryKey: ["calls", wanted],
    queryFn: ({ pageParam }) =>
      body(api.GET("/v1/calls", { params: { query: { ...wanted, cursor: pageParam } } })) as Promise<Page>,
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: (before) => before,
  });
  const open = useQuery({
    queryKey: ["open-calls"],
    queryFn: async () => {
      const pages = OPEN.map((status) =>
        api.GET("/v1/calls", { params: { query: { status: status as "live", limit: 100 } } }),
      );
      const found = await Promise.all(pages.map((page) => body(page)));
      return found.flatMap((page) => page.calls);
    },
  });

  useEffect(
    () =>
      watchCalls((message) => {
        if (message.type === "call") {
          queries.setQueryData<Call[]>(["open-calls"], (known) => known && withCall(known, message));
          for (const { queryKey } of queries.getQueryCache().findAll({ queryKey: ["calls"] })) {
            const isWanted = fits(message, queryKey[1] as Wanted);
            queries.setQueryData<InfiniteData<Page>>(queryKey, (data) => data && updated(data, message, isWanted));
          }
        } else if (message.type === "watching" && message.active) {
          // What changed while nobody listened is asked for.
          queries.invalidateQueries({ queryKey: ["calls"] });
          queries.invalidateQueries({ queryKey: ["open-calls"] });
        }
      }),
    [queries],
  );

  const live = useMemo(() => (open.data ?? []).filter((call) => OPEN.includes(call.status)), [open.data]);
  const past = query.data?.pages.flatMap((page) => page.calls) ?? [];
  const calls = past.filter((call) => !OPEN.includes(call.status));
  return { calls, live: live.sort((a, b) => b.started_at_ms - a.started_at_ms), query };
}

function withCall(known: Call[], call: Call): Call[] {
  const others = known.filter((other) => other.call !== call.call);
  const before = known.find((other) => other.call === call.call);
  if (before && before.revision > call.revision) return known;
  return [...others, call];
}

type Wanted = ReturnType<typeof queryOf>;

/** Whether a new call belongs in a list, as far as its message tells: objections are known to the stack alone. */
function fits(call: Call, { status, agent, playbook, objection, from, to }: Wanted): boolean {
  if (objection || (status && call.status !== status)) return false;
  if ((agent && call.principal !== agent) || (playbook && call.playbook !== playbook)) return false;
  return (!from || call.started_at_ms >= Date.parse(from)) && (!to || call.started_at_ms < Date.parse(to));
}

/** A call that is known is brought up to date, one that is new comes first, and one that was removed goes. */
function updated(data: InfiniteData<Page>, call: Call, isWanted: boolean): InfiniteData<Page> {
  const isKnown = data.pages.some((page) => page.calls.some((known) => known.call === call.call));
  const pages = data.pages.map((page, at) => {
    if (call.status === "deleted") return { ...page, calls: page.calls.filter((known) => known.call !== call.call) };
    if (!isKnown && isWanted && at === 0) return { ...page, calls: [call, ...page.calls] };
    const calls = page.calls.map((known) =>
      known.call === call.call && known.revision <= call.revision ? { ...known, ...call } : known,
    );
    return { ...page, calls };
  });
  return { ...data, pages };
}

/** Whether a call has these words in what is told of it; `who` is what its agent is called. */
export function matches(call: Call, who: string, search: string | undefined): boolean {
  const words = search?.toLowerCase().split(/\s+/).filter(Boolean) ?? [];
  const told = [call.call, sentence(call.playbook), call.principal, who, call.file_name ?? ""];
  const text = told.join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

/** So many finds fill a page; then no more is looked for. */
const ENOUGH = 20;
/** So many pages are looked through before a person is asked whether to go on: 1,000 calls. */
const PAGES_A_SEARCH = 20;

type Calls = ReturnType<typeof useCalls>["query"];

/**
 * A search looks further back by itself while it finds little, through so many pages at most. Says whether it still
 * looks, and how to let it go on from there.
 */
export function useFurther(query: Calls, search: string | undefined, found: number) {
  const pages = query.data?.pages.length ?? 0;
  const [bound, setBound] = useState(PAGES_A_SEARCH);
  const { hasNextPage, isFetching, isError, fetchNextPage } = query;
  const isLooking = Boolean(search) && found < ENOUGH && hasNextPage && pages < bound && !isError;
  useEffect(() => {
    if (isLooking && !isFetching) fetchNextPage();
  }, [isLooking, isFetching, fetchNextPage]);
  const further = () => {
    setBound(pages + PAGES_A_SEARCH);
    fetchNextPage();
  };
  return { isLooking, further };
}
