// The door: sign in here or where the organization does, be the first to register, or try it on this machine.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { useNavigate } from "react-router";
import { wordsOf } from "../../api/client";
import type { Issuer } from "../../issuer";
import { authInfo, isLocal, signIn, signInAt, tryThisMachine } from "../../session";
import { Field } from "../../ui/forms";
import { Failure, Spinner } from "../../ui/states";
import { AccountForm } from "./AccountForm";
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
          {auth.data.passwords && (auth.data.registration === "first_user" ? <First /> : <SignIn />)}
          {auth.data.passwords && auth.data.oidc && <p className="or">or</p>}
          {auth.data.oidc && <SignInElsewhere issuer={auth.data.oidc} primary={!auth.data.passwords && !isLocal} />}
          {!auth.data.passwords && !auth.data.oidc && (
            <Failure
              error={new Error("Your organization’s sign-in does not answer. Wait a moment.")}
              retry={() => auth.refetch()}
            />
          )}
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

/** Whoever comes first makes the organization, and is its admin. */
function First() {
  return (
    <AccountForm
      title="Make the first account"
      about="Nobody has an account here yet. You become the admin of your organization."
      submit="Make the account"
      primary={!isLocal}
    />
  );
}

function SignIn() {
  const { register, handleSubmit, formState, setError } = useForm<{ email: string; password: string }>();
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

/** Where the organization keeps its people itself. */
function SignInElsewhere({ issuer, primary }: { issuer: Issuer; primary: boolean }) {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const leave = () => {
    setBusy(true);
    signInAt(issuer).catch((refused) => {
      setError(refused);
      setBusy(false);
    });
  };
  return (
    <>
      <button type="button" className={primary ? "button primary big" : "button"} disabled={isBusy} onClick={leave}>
        Sign in with your organization
      </button>
      <p className="hint">Leads to {new URL(issuer.authorization_endpoint).host}, and back here.</p>
      {error !== null && <Failure error={error} />}
    </>
  );
}
