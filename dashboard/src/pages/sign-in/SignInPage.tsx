// The door: sign in, be the first to register, or try it on this machine.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { useNavigate } from "react-router";
import { wordsOf } from "../../api/client";
import {
  authInfo,
  isLocal,
  type Registration,
  register as registerAccount,
  signIn,
  tryThisMachine,
} from "../../session";
import { Field } from "../../ui/forms";
import { Failure, Spinner } from "../../ui/states";
import { Door } from "./Door";

export default function SignInPage({ reason }: { reason?: string }) {
  const auth = useQuery({ queryKey: ["auth"], queryFn: authInfo, retry: 1, staleTime: 0 });
  return (
    <Door>
      <title>Sign in · Callboard</title>
      {reason && <p className="notice">{reason}</p>}
      {isLocal && <TryHere />}
      {auth.isPending && <Spinner label="Loading" />}
      {auth.isError && <Failure error={auth.error} retry={() => auth.refetch()} />}
      {auth.data && (
        <section className="door-part">
          {auth.data.registration === "first_user" ? <Register /> : <SignIn hasPasswords={auth.data.passwords} />}
        </section>
      )}
      {auth.data === null && !isLocal && <p className="notice">Accounts are not set up here.</p>}
    </Door>
  );
}

/** On one's own machine nobody needs an account to look around. */
function TryHere() {
  const [error, setError] = useState<unknown>(null);
  const navigate = useNavigate();
  const enter = () =>
    tryThisMachine()
      .then(() => navigate("/", { replace: true }))
      .catch(setError);
  return (
    <section className="door-part">
      <button type="button" className="button primary big" onClick={enter}>
        Try it on this machine
      </button>
      <p className="hint">No account: you are the admin of this machine's own calls, and nothing leaves it.</p>
      {error !== null && <Failure error={error} />}
    </section>
  );
}

function SignIn({ hasPasswords }: { hasPasswords: boolean }) {
  const { register, handleSubmit, formState, setError } = useForm<{ email: string; password: string }>();
  if (!hasPasswords)
    return <p className="notice">Sign in where your organization does, and open this page from there.</p>;
  const submit = handleSubmit(({ email, password }) =>
    signIn(email, password).catch((error) => setError("root", { message: wordsOf(error) })),
  );
  return (
    <form className="stack" onSubmit={submit} noValidate>
      <h2>Sign in</h2>
      <Field
        label="E-mail"
        type="email"
        autoComplete="username"
        problem={formState.errors.email?.message}
        {...register("email", { required: "Enter your e-mail address" })}
      />
      <Field
        label="Password"
        type="password"
        autoComplete="current-password"
        problem={formState.errors.password?.message}
        {...register("password", { required: "Enter your password" })}
      />
      {formState.errors.root && <Failure error={new Error(formState.errors.root.message)} />}
      <button type="submit" className={isLocal ? "button" : "button primary"} disabled={formState.isSubmitting}>
        {formState.isSubmitting ? "Signing in" : "Sign in"}
      </button>
    </form>
  );
}

/** Whoever comes first makes the organization, and is its admin. */
function Register() {
  const { register, handleSubmit, formState, setError } = useForm<Required<Registration>>();
  const { errors } = formState;
  const submit = handleSubmit(({ email, password, name, organization }) =>
    registerAccount({ email, password, name, organization }).catch((error) =>
      setError("root", { message: wordsOf(error) }),
    ),
  );
  return (
    <form className="stack" onSubmit={submit} noValidate>
      <h2>Make the first account</h2>
      <p className="hint">Nobody has an account here yet. You become the admin of your organization.</p>
      <Field
        label="Organization"
        autoComplete="organization"
        problem={errors.organization?.message}
        {...register("organization", { required: "Name your organization" })}
      />
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
          minLength: { value: 10, message: "Use at least 10 characters" },
          required: "Choose a password",
        })}
      />
      {errors.root && <Failure error={new Error(errors.root.message)} />}
      <button type="submit" className={isLocal ? "button" : "button primary"} disabled={formState.isSubmitting}>
        {formState.isSubmitting ? "Making the account" : "Make the account"}
      </button>
    </form>
  );
}
