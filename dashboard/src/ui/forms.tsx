// Fields of forms, each with its label, its hint and what is wrong with it; dialogs that ask, and those that show a
// secret once.

import { Dialog, DialogDismiss, DialogHeading } from "@ariakit/react";
import { Search, X } from "lucide-react";
import {
  type FormEventHandler,
  type InputHTMLAttributes,
  type ReactNode,
  type Ref,
  type SelectHTMLAttributes,
  useId,
} from "react";
import { Failure } from "./states";

interface Around {
  label: string;
  hint?: ReactNode;
  problem?: string;
}

type InputProps = Around & InputHTMLAttributes<HTMLInputElement> & { ref?: Ref<HTMLInputElement> };

export function Field({ label, hint, problem, ref, ...input }: InputProps) {
  const id = useId();
  const about = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(" ") || undefined;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} ref={ref} aria-describedby={about} aria-invalid={problem ? true : undefined} {...input} />
      {hint && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {problem && (
        <p className="problem" id={`${id}-problem`}>
          {problem}
        </p>
      )}
    </div>
  );
}

const LEAST_LETTERS = 10;

/** What a new password must be. */
export const newPassword = {
  required: "Choose a password",
  minLength: { value: LEAST_LETTERS, message: `Use at least ${LEAST_LETTERS} characters` },
};

export function NewPasswordField(input: InputProps) {
  const hint = `At least ${LEAST_LETTERS} characters.`;
  return <Field type="password" autoComplete="new-password" hint={hint} {...input} />;
}

type SearchProps = InputHTMLAttributes<HTMLInputElement> & { "aria-label": string };

export function SearchInput(input: SearchProps) {
  return (
    <>
      <Search aria-hidden="true" size={16} />
      <input type="search" {...input} />
    </>
  );
}

type SelectProps = Around & SelectHTMLAttributes<HTMLSelectElement> & { ref?: Ref<HTMLSelectElement> };

export function Select({ label, hint, problem, ref, children, ...select }: SelectProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} ref={ref} aria-describedby={hint ? `${id}-hint` : undefined} {...select}>
        {children}
      </select>
      {hint && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {problem && <p className="problem">{problem}</p>}
    </div>
  );
}

interface ModalProps {
  title: string;
  open: boolean;
  onClose: () => void;
  children: ReactNode;
}

export function Modal({ title, open, onClose, children }: ModalProps) {
  return (
    <Dialog className="dialog" backdrop={<div className="backdrop" />} open={open} onClose={onClose} unmountOnHide>
      <div className="dialog-head">
        <DialogHeading className="dialog-title">{title}</DialogHeading>
        <DialogDismiss className="button quiet icon" aria-label="Close">
          <X aria-hidden="true" size={18} />
        </DialogDismiss>
      </div>
      {children}
    </Dialog>
  );
}

interface ConfirmProps extends ModalProps {
  confirm: string;
  onConfirm: () => void;
  busy?: boolean;
}

/** Asks before what cannot be taken back. */
export function Confirm({ confirm, onConfirm, busy, children, ...modal }: ConfirmProps) {
  return (
    <Modal {...modal}>
      <div className="dialog-text">{children}</div>
      <div className="dialog-actions">
        <DialogDismiss className="button">Cancel</DialogDismiss>
        <button type="button" className="button danger" disabled={busy} onClick={onConfirm}>
          {confirm}
        </button>
      </div>
    </Modal>
  );
}

/** A secret that is shown once, with a button that copies it. */
function CopyBox({ label, text }: { label: string; text: string }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="copy">
        <input id={id} readOnly value={text} onFocus={(event) => event.currentTarget.select()} />
        <CopyButton text={text} />
      </div>
    </div>
  );
}

interface SecretDialogProps {
  title: string;
  /** What is known once it is made: shown now, and never again. */
  secret: { label: string; text: string; about: string } | null;
  open: boolean;
  onClose: () => void;
  onSubmit: FormEventHandler;
  submit: string;
  busy: boolean;
  error: unknown;
  children: ReactNode;
}

/** Asks what is to be made, and shows the secret of what was made. */
export function SecretDialog({
  title,
  secret,
  open,
  onClose,
  onSubmit,
  submit,
  busy,
  error,
  children,
}: SecretDialogProps) {
  return (
    <Modal title={title} open={open} onClose={onClose}>
      {secret ? (
        <div className="stack">
          <p>{secret.about}</p>
          <CopyBox label={secret.label} text={secret.text} />
          <div className="dialog-actions">
            <button type="button" className="button primary" onClick={onClose}>
              Done
            </button>
          </div>
        </div>
      ) : (
        <form className="stack" onSubmit={onSubmit} noValidate>
          {children}
          {error !== null && <Failure error={error} />}
          <div className="dialog-actions">
            <button type="button" className="button" onClick={onClose}>
              Cancel
            </button>
            <button type="submit" className="button primary" disabled={busy}>
              {submit}
            </button>
          </div>
        </form>
      )}
    </Modal>
  );
}

function CopyButton({ text }: { text: string }) {
  return (
    <button
      type="button"
      className="button"
      onClick={async (event) => {
        const button = event.currentTarget;
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      }}
    >
      Copy
    </button>
  );
}
