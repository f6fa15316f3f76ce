// What narrows the list of calls.

import { useQuery } from "@tanstack/react-query";
import { SlidersHorizontal } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { readPlaybook } from "../../api/calls";
import { api, body } from "../../api/client";
import { useMay } from "../../permissions";
import { Field, SearchInput, Select } from "../../ui/forms";
import { usePlaybooks } from "../../ui/playbooks";
import type { Filters as Chosen } from "./useCalls";

const CALL_ID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const STATUSES = [
  ["ended", "Ended"],
  ["processing", "Processing"],
  ["failed", "Failed"],
];

interface Props {
  filters: Chosen;
  onChange: (filters: Chosen) => void;
}

export function Filters({ filters, onChange }: Props) {
  const { search: _, ...others } = filters;
  const count = Object.values(others).filter(Boolean).length;
  const [isOpen, setOpen] = useState(count > 0);
  const set = (part: Chosen) => onChange({ ...filters, ...part });
  return (
    <div className="filters">
      <div className="filters-line">
        <SearchField value={filters.search ?? ""} onChange={(search) => set({ search })} />
        <button type="button" className="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          <SlidersHorizontal aria-hidden="true" size={16} /> Filter{count > 0 ? ` (${count})` : ""}
        </button>
      </div>
      {isOpen && <FilterFields filters={filters} onChange={onChange} />}
    </div>
  );
}

function FilterFields({ filters, onChange }: Props) {
  const playbooks = usePlaybooks();
  const canSeeTeam = useMay("read_team");
  const users = useQuery({
    queryKey: ["users"],
    queryFn: () => body(api.GET("/v1/users")),
    enabled: canSeeTeam,
    retry: false,
  });
  const objections = useObjections(filters.playbook);
  const set = (part: Chosen) => onChange({ ...filters, ...part });
  return (
    <div className="filter-fields">
      <Select label="Status" value={filters.status ?? ""} onChange={(event) => set({ status: event.target.value })}>
        <option value="">Any</option>
        {STATUSES.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </Select>
      <Select
        label="Playbook"
        value={filters.playbook ?? ""}
        onChange={(event) => set({ playbook: event.target.value, objection: undefined })}
      >
        <option value="">Any</option>
        {playbooks.map((playbook) => (
          <option key={playbook.id} value={playbook.id}>
            {playbook.name}
          </option>
        ))}
      </Select>
      <Select
        label="Objection"
        value={filters.objection ?? ""}
        onChange={(event) => set({ objection: event.target.value })}
      >
        <option value="">Any</option>
        {objections.map(([id, label]) => (
          <option key={id} value={id}>
            {label}
          </option>
        ))}
      </Select>
      {canSeeTeam && (
        <Select label="Agent" value={filters.agent ?? ""} onChange={(event) => set({ agent: event.target.value })}>
          <option value="">Anybody</option>
          {(users.data?.users ?? []).map((user) => (
            <option key={user.id} value={user.id}>
              {user.name}
            </option>
          ))}
          {filters.agent && !users.data?.users.some((user) => user.id === filters.agent) && (
            <option value={filters.agent}>{filters.agent}</option>
          )}
        </Select>
      )}
      <Field
        label="From"
        type="date"
        value={filters.from ?? ""}
        onChange={(event) => set({ from: event.target.value })}
      />
      <Field
        label="To"
        type="date"
        min={filters.from}
        value={filters.to ?? ""}
        onChange={(event) => set({ to: event.target.value })}
      />
      <button type="button" className="button filters-clear" onClick={() => onChange({ search: filters.search })}>
        Clear
      </button>
    </div>
  );
}

/** Looks through what is told of each call; a call's whole id leads there. */
function SearchField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const navigate = useNavigate();
  const [text, setText] = useState(value);
  const told = useRef(value);
  useEffect(() => {
    if (value === told.current) return;
    told.current = value;
    setText(value);
  }, [value]);
  const change = (next: string) => {
    setText(next);
    told.current = next;
    const id = next.trim().toUpperCase();
    if (CALL_ID.test(id)) navigate(`/calls/${id}`);
    else onChange(next);
  };
  return (
    <div className="search">
      <SearchInput
        aria-label="Search the calls by agent, playbook, file or call id; not by what was said"
        placeholder="Agent, playbook, file or id"
        value={text}
        onChange={(event) => change(event.target.value)}
      />
    </div>
  );
}

/** The objections of a playbook; of the general one where none is chosen. */
function useObjections(playbook = "sales"): [string, string][] {
  const query = useQuery({
    queryKey: ["playbook-objections", playbook],
    queryFn: () => readPlaybook(playbook),
    staleTime: 60_000,
  });
  return (query.data?.objections ?? []).map((objection) => [objection.id, objection.label ?? objection.id]);
}
