// Makes an account: of the first person, who names the organization, or of one who was invited.

import { useForm } from "react-hook-form";
import { wordsOf } from "../../api/client";
import { type Registration, register as registerAccount } from "../../session";
import { Field, NewPasswordField, newPassword } from "../../ui/forms";
import { Failure } from "../../ui/states";

interface Props {
  title: string;
  about: string;
  submit: string;
  primary: boolean;
  /** The address that was invited; it cannot be another. */
  invited?: string | null;
  /** The secret of the invitation; without one, the organization is made. */
  invitation?: string;
  onDone?: () => void;
}

export function AccountForm({ title, about, submit, primary, invited, invitation, onDone }: Props) {
  const { register, handleSubmit, formState, setError } = useForm<Registration>({
    defaultValues: { email: invited ?? "" },
  });
  const { errors } = formState;
  const send = handleSubmit((account) =>
    registerAccount({ ...account, invitation })
      .then(onDone)
      .catch((error) => setError("root", { message: wordsOf(error) })),
  );
  return (
    <form className="stack" onSubmit={send} noValidate>
      <h2>{title}</h2>
      <p className="hint">{about}</p>
      {!invitation && (
        <Field
          label="Organization"
          autoComplete="organization"
          problem={errors.organization?.message}
          {...register("organization", { required: "Name your organization" })}
        />
      )}
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
      <NewPasswordField label="Password" problem={errors.password?.message} {...register("password", newPassword)} />
      {errors.root && <Failure error={new Error(errors.root.message)} />}
      <button type="submit" className={primary ? "button primary" : "button"} disabled={formState.isSubmitting}>
        {submit}
      </button>
    </form>
  );
}
