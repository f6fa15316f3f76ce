// One's own password.

import { useMutation } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { api, body } from "../../api/client";
import { useMe } from "../../permissions";
import { Field, NewPasswordField, newPassword } from "../../ui/forms";
import { Empty, Failure } from "../../ui/states";
import { tell } from "../../ui/toasts";

interface Fields {
  current: string;
  next: string;
}

export default function AccountPage() {
  const me = useMe();
  const { register, handleSubmit, formState, reset } = useForm<Fields>();
  const change = useMutation({
    mutationFn: ({ current, next }: Fields) => body(api.PUT("/v1/me/password", { body: { current, new: next } })),
    onSuccess: () => {
      reset();
      tell("Your password is changed. All other sessions of yours are over.");
    },
  });
  if (me?.kind !== "user")
    return (
      <Empty
        title={me?.kind === "key" ? "A key has no password" : "Your password is not kept here"}
        action={{ label: "Show the calls", to: "/" }}
      />
    );
  return (
    <div className="narrow">
      <title>Password · Callboard</title>
      <h1>Your password</h1>
      <form className="panel stack" onSubmit={handleSubmit((fields) => change.mutate(fields))} noValidate>
        <input
          type="text"
          className="hidden"
          autoComplete="username"
          readOnly
          value={me.email ?? ""}
          aria-label="E-mail"
          tabIndex={-1}
        />
        <Field
          label="Password until now"
          type="password"
          autoComplete="current-password"
          problem={formState.errors.current?.message}
          {...register("current", { required: "Enter your password" })}
        />
        <NewPasswordField
          label="New password"
          problem={formState.errors.next?.message}
          {...register("next", newPassword)}
        />
        {change.isError && <Failure error={change.error} />}
        <button type="submit" className="button primary" disabled={change.isPending}>
          {change.isPending ? "Changing" : "Change the password"}
        </button>
      </form>
    </div>
  );
}
