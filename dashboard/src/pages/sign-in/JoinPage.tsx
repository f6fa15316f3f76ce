// Whoever was invited makes an account here. The invitation's secret stands in the address behind the #, which browsers
// send nobody, and is taken out of it at once.

import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useForm } from "react-hook-form";
import { useNavigate } from "react-router";
import { api, body, wordsOf } from "../../api/client";
import { type Registration, register as registerAccount } from "../../session";
import { Field } from "../../ui/forms";
import { Failure, Spinner } from "../../ui/states";
import { roleWords } from "../../words";
import { Door } from "./Door";

const secretOf = (hash: string) => new URLSearchParams(hash.slice(1)).get("invitation") ?? "";

export default function JoinPage() {
  const [secret] = useState(() => secretOf(location.hash));
  useEffect(() => history.replaceState(null, "", location.pathname), []);
  const invitation = useQuery({
    queryKey: ["invitation"],
    queryFn: () => body(api.POST("/v1/auth/invitation", { body: { invitation: secret } })),
    enabled: secret !== "",
    retry: false,
    gcTime: 0,
  });
  return (
    <Door>
      <title>Join · Callboard</title>
      {secret === "" ? (
        <p className="notice">Open the link of your invitation again: this address is not the whole of it.</p>
      ) : invitation.isPending ? (
        <Spinner label="Reading the invitation" />
      ) : invitation.isError ? (
        <Failure error={new Error("This invitation is not known, or was used, or is too old. Ask for another.")} />
      ) : (
        <Join secret={secret} {...invitation.data} />
      )}
    </Door>
  );
}

interface Props {
  secret: string;
  organization?: string | null;
  email?: string | null;
  role: keyof typeof roleWords;
}

function Join({ secret, organization, email: invited, role }: Props) {
  const navigate = useNavigate();
  const { register, handleSubmit, formState, setError } = useForm<Registration>({
    defaultValues: { email: invited ?? "" },
  });
  const { errors } = formState;
  const submit = handleSubmit(({ email, password, name }) =>
    registerAccount({ email, password, name, invitation: secret })
      .then(() => navigate("/", { replace: true }))
      .catch((error) => setError("root", { message: wordsOf(error) })),
  );
  return (
    <form className="stack door-part" onSubmit={submit} noValidate>
      <h2>Join {organization ?? "your team"}</h2>
      <p className="hint">You will be: {roleWords[role].toLowerCase()}.</p>
      <Field
        label="Your name"
        autoComplete="name"
        problem={errors.name?.message}
        {...register("name", { required: "Enter your name" })}
      />
      <Field
        label="E-mail"
        type="email"
        autoComplete="username"
        readOnly={Boolean(invited)}
        problem={errors.email?.message}
        {...register("email", { required: "Enter your e-mail address" })}
      />
      <Field
        label="Password"
        type="password"
        autoComplete="new-password"
        hint="At least 10 characters."
        problem={errors.password?.message}
        {...register("password", {
          required: "Choose a password",
          minLength: { value: 10, message: "Use at least 10 characters" },
        })}
      />
      {errors.root && <Failure error={new Error(errors.root.message)} />}
      <button type="submit" className="button primary" disabled={formState.isSubmitting}>
        {formState.isSubmitting ? "Joining" : "Join"}
      </button>
    </form>
  );
}
