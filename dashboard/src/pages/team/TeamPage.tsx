// The people of the organization, and who was invited.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { UserPlus } from "lucide-react";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { api, body, wordsOf } from "../../api/client";
import type { Role, User } from "../../api/types";
import { useMay, useMe } from "../../permissions";
import { Confirm, Field, SecretDialog, Select } from "../../ui/forms";
import { Failure, Spinner } from "../../ui/states";
import { tell } from "../../ui/toasts";
import { day, roleWords } from "../../words";

const ROLES: Role[] = ["agent", "supervisor", "admin"];

export default function TeamPage() {
  const users = useQuery({ queryKey: ["users"], queryFn: () => body(api.GET("/v1/users")) });
  const canManage = useMay("manage_team");
  const [isInviting, setInviting] = useState(false);
  return (
    <>
      <title>Team · Callboard</title>
      <div className="page-head">
        <h1>Team</h1>
        {canManage && (
          <button type="button" className="button primary" onClick={() => setInviting(true)}>
            <UserPlus aria-hidden="true" size={16} /> Invite
          </button>
        )}
      </div>
      {users.isPending && <Spinner label="Loading the team" />}
      {users.isError && <Failure error={users.error} retry={() => users.refetch()} />}
      {users.data && (
        <section className="panel" aria-label="People">
          {users.data.users.length === 0 ? (
            <p className="quiet-text">
              Nobody has an account here yet.{canManage && " Invite somebody: whoever opens the link makes one."}
            </p>
          ) : (
            <ul className="rows">
              {users.data.users.map((user) => (
                <Person key={user.id} user={user} canManage={canManage} />
              ))}
            </ul>
          )}
        </section>
      )}
      {canManage && <Invitations />}
      <InviteDialog open={isInviting} onClose={() => setInviting(false)} />
    </>
  );
}

function Person({ user, canManage }: { user: User; canManage: boolean }) {
  const me = useMe();
  const queries = useQueryClient();
  const [isAsked, setAsked] = useState(false);
  const params = { path: { id: user.id } };
  const again = () => queries.invalidateQueries({ queryKey: ["users"] });
  const refused = (error: unknown) => tell(wordsOf(error), true);
  const change = useMutation({
    mutationFn: (part: { role?: Role; disabled?: boolean }) =>
      body(api.PATCH("/v1/users/{id}", { params, body: part })),
    onSuccess: again,
    onError: refused,
  });
  const remove = useMutation({
    mutationFn: () => body(api.DELETE("/v1/users/{id}", { params })),
    onSuccess: () => {
      tell(`${user.name} is removed`);
      again();
    },
    onError: refused,
    onSettled: () => setAsked(false),
  });
  const isMe = user.id === me?.principal;
  return (
    <li className={user.disabled ? "row-line off" : "row-line"}>
      <div className="row-who">
        <strong>
          {user.name} {isMe && <span className="hint">(you)</span>}
        </strong>
        <span className="hint">
          {user.email}
          {user.disabled && " · disabled"}
          {user.last_login_ms && ` · last here ${day(user.last_login_ms)}`}
        </span>
      </div>
      {canManage ? (
        <div className="row-actions">
          <select
            aria-label={`Role of ${user.name}`}
            value={user.role}
            disabled={change.isPending}
            onChange={(event) => change.mutate({ role: event.target.value as Role })}
          >
            {ROLES.map((role) => (
              <option key={role} value={role}>
                {roleWords[role]}
              </option>
            ))}
          </select>
          {!isMe && (
            <>
              <button
                type="button"
                className="button small"
                disabled={change.isPending}
                onClick={() => change.mutate({ disabled: !user.disabled })}
              >
                {user.disabled ? "Enable" : "Disable"}
              </button>
              <button type="button" className="button small" onClick={() => setAsked(true)}>
                Remove
              </button>
            </>
          )}
        </div>
      ) : (
        <span>{roleWords[user.role]}</span>
      )}
      <Confirm
        title={`Remove ${user.name}?`}
        confirm="Remove"
        open={isAsked}
        busy={remove.isPending}
        onClose={() => setAsked(false)}
        onConfirm={() => remove.mutate()}
      >
        <p>Their sessions end at once. Their calls stay.</p>
      </Confirm>
    </li>
  );
}

function Invitations() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: ["invitations"], queryFn: () => body(api.GET("/v1/invitations")) });
  const takeBack = useMutation({
    mutationFn: (id: string) => body(api.DELETE("/v1/invitations/{id}", { params: { path: { id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["invitations"] }),
    onError: (error) => tell(wordsOf(error), true),
  });
  const all = query.data?.invitations ?? [];
  if (query.isError) return <Failure error={query.error} />;
  if (all.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="invited">
      <h2 id="invited" className="panel-title">
        Invited
      </h2>
      <ul className="rows">
        {all.map((invitation) => (
          <li key={invitation.id} className="row-line">
            <div className="row-who">
              <strong>{invitation.email ?? "Anybody with the link"}</strong>
              <span className="hint">
                {roleWords[invitation.role]} · good until {day(invitation.expires_at_ms)}
              </span>
            </div>
            <button type="button" className="button small" onClick={() => takeBack.mutate(invitation.id)}>
              Take back
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function InviteDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const queries = useQueryClient();
  const { register, handleSubmit, reset } = useForm<{ email: string; role: Role }>({
    defaultValues: { email: "", role: "agent" },
  });
  const invite = useMutation({
    mutationFn: ({ email, role }: { email: string; role: Role }) =>
      body(api.POST("/v1/invitations", { body: { role, ...(email ? { email } : {}) } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["invitations"] }),
  });
  const close = () => {
    reset();
    invite.reset();
    onClose();
  };
  const secret = invite.data && {
    label: "Link",
    text: `${location.origin}/join#invitation=${invite.data.secret}`,
    about: "Send this link. It works once, and is shown only now.",
  };
  return (
    <SecretDialog
      title="Invite somebody"
      secret={secret ?? null}
      open={open}
      onClose={close}
      onSubmit={handleSubmit((wanted) => invite.mutate(wanted))}
      submit="Make the link"
      busy={invite.isPending}
      error={invite.error}
    >
      <Select label="Role" {...register("role")}>
        {ROLES.map((role) => (
          <option key={role} value={role}>
            {roleWords[role]}
          </option>
        ))}
      </Select>
      <Field
        label="E-mail"
        type="email"
        hint="Only this address can use it. Left empty, anybody with the link can."
        {...register("email")}
      />
    </SecretDialog>
  );
}
