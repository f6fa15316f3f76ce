// Keys of programs and capture devices: each secret is shown once.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { api, body, wordsOf } from "../../api/client";
import type { Role } from "../../api/types";
import { Confirm, Field, SecretDialog, Select } from "../../ui/forms";
import { Failure, Spinner } from "../../ui/states";
import { tell } from "../../ui/toasts";
import { day, roleWords } from "../../words";

const ROLES: [Role, string][] = [
  ["capture", "Capture only: may send audio, and nothing else"],
  ["agent", "Agent: its own calls"],
  ["supervisor", "Supervisor: all calls"],
  ["admin", "Admin: everything"],
];

export default function KeysPage() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: ["keys"], queryFn: () => body(api.GET("/v1/keys")) });
  const [isMaking, setMaking] = useState(false);
  const [asked, setAsked] = useState<{ id: string; name: string } | null>(null);
  const revoke = useMutation({
    mutationFn: (id: string) => body(api.DELETE("/v1/keys/{id}", { params: { path: { id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["keys"] }),
    onError: (error) => tell(wordsOf(error), true),
    onSettled: () => setAsked(null),
  });
  return (
    <>
      <title>Keys · Callboard</title>
      <div className="page-head">
        <div>
          <h1>Keys</h1>
          <p className="hint">For capture devices and scripts. People sign in instead.</p>
        </div>
        <button type="button" className="button primary" onClick={() => setMaking(true)}>
          <KeyRound aria-hidden="true" size={16} /> New key
        </button>
      </div>
      {query.isPending && <Spinner label="Loading the keys" />}
      {query.isError && <Failure error={query.error} retry={() => query.refetch()} />}
      {query.data && (
        <section className="panel" aria-label="Keys">
          {query.data.keys.length === 0 ? (
            <p className="quiet-text">There are no keys yet.</p>
          ) : (
            <ul className="rows">
              {query.data.keys.map((key) => (
                <li key={key.id} className={key.revoked ? "row-line off" : "row-line"}>
                  <div className="row-who">
                    <strong>{key.name}</strong>
                    <span className="hint">
                      {roleWords[key.role]} · made {day(key.created_at_ms)}
                      {key.last_used_ms ? ` · last used ${day(key.last_used_ms)}` : " · never used"}
                      {key.revoked && " · revoked"}
                    </span>
                  </div>
                  {!key.revoked && (
                    <button type="button" className="button small" onClick={() => setAsked(key)}>
                      Revoke
                    </button>
                  )}
                </li>
              ))}
            </ul>
          )}
        </section>
      )}
      <NewKey open={isMaking} onClose={() => setMaking(false)} />
      <Confirm
        title={`Revoke ${asked?.name ?? "the key"}?`}
        confirm="Revoke"
        open={asked !== null}
        busy={revoke.isPending}
        onClose={() => setAsked(null)}
        onConfirm={() => asked && revoke.mutate(asked.id)}
      >
        <p>Whatever uses it stops at once, calls that go on included. This cannot be taken back.</p>
      </Confirm>
    </>
  );
}

function NewKey({ open, onClose }: { open: boolean; onClose: () => void }) {
  const queries = useQueryClient();
  const { register, handleSubmit, reset, formState } = useForm<{ name: string; role: Role }>({
    defaultValues: { name: "", role: "capture" },
  });
  const make = useMutation({
    mutationFn: (wanted: { name: string; role: Role }) => body(api.POST("/v1/keys", { body: wanted })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["keys"] }),
  });
  const close = () => {
    reset();
    make.reset();
    onClose();
  };
  const secret = make.data && {
    label: "Secret",
    text: make.data.secret,
    about: "Keep it where only its program reads it. It is shown only now.",
  };
  return (
    <SecretDialog
      title="New key"
      secret={secret ?? null}
      open={open}
      onClose={close}
      onSubmit={handleSubmit((wanted) => make.mutate(wanted))}
      submit="Make the key"
      busy={make.isPending}
      error={make.error}
    >
      <Field
        label="Name"
        hint="What uses it, as in “Front desk telephone”."
        problem={formState.errors.name?.message}
        {...register("name", { required: "Name what uses it" })}
      />
      <Select label="It may" {...register("role")}>
        {ROLES.map(([role, label]) => (
          <option key={role} value={role}>
            {label}
          </option>
        ))}
      </Select>
    </SecretDialog>
  );
}
