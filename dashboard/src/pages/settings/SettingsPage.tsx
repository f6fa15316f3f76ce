// What the organization decides for all of its calls.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { api, body } from "../../api/client";
import type { OrgSettings } from "../../api/types";
import { useMay } from "../../permissions";
import { Field } from "../../ui/forms";
import { Failure, Spinner } from "../../ui/states";
import { tell } from "../../ui/toasts";

const redactions: [NonNullable<OrgSettings["redaction"]>, string, string][] = [
  [
    "mask",
    "Mask numbers in the text",
    "Payment cards, social security and bank numbers, dates of birth, e-mail addresses and telephone numbers.",
  ],
  ["mask_and_drop_audio", "Mask them, and silence them in kept audio", "Playback is silent where words are masked."],
  ["off", "Keep them", "Everything that is said stays in the text."],
];

export default function SettingsPage() {
  const query = useQuery({ queryKey: ["settings"], queryFn: () => body(api.GET("/v1/settings")) });
  return (
    <div className="narrow">
      <title>Settings · Callboard</title>
      <h1>Settings</h1>
      {query.isPending && <Spinner label="Loading the settings" />}
      {query.isError && <Failure error={query.error} retry={() => query.refetch()} />}
      {query.data && <Form settings={query.data} />}
    </div>
  );
}

interface Fields {
  redaction: NonNullable<OrgSettings["redaction"]>;
  retention: string;
  keep_source: boolean;
  export: boolean;
}

function Form({ settings }: { settings: OrgSettings }) {
  const queries = useQueryClient();
  const canWrite = useMay("write_settings");
  const { register, handleSubmit, formState, reset } = useForm<Fields>({
    values: {
      redaction: settings.redaction ?? "mask",
      retention: settings.retention_days ? String(settings.retention_days) : "",
      keep_source: settings.keep_source ?? false,
      export: settings.export ?? false,
    },
  });
  const save = useMutation({
    mutationFn: ({ redaction, retention, keep_source, export: isExported }: Fields) => {
      const retention_days = retention ? Number(retention) : null;
      return body(api.PUT("/v1/settings", { body: { redaction, retention_days, keep_source, export: isExported } }));
    },
    onSuccess: (saved) => {
      queries.setQueryData(["settings"], saved);
      reset(undefined, { keepValues: true });
      tell("Saved. Calls that go on see it within a minute.");
    },
  });
  return (
    <form className="stack" onSubmit={handleSubmit((fields) => save.mutate(fields))} noValidate>
      <fieldset className="panel choices" disabled={!canWrite}>
        <legend>What people say that is nobody’s business</legend>
        {redactions.map(([value, label, hint]) => (
          <label key={value} className="choice">
            <input type="radio" value={value} {...register("redaction")} />
            <span>
              <strong>{label}</strong>
              <span className="hint">{hint}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <fieldset className="panel choices" disabled={!canWrite}>
        <legend>How long calls are kept</legend>
        <Field
          label="Days"
          inputMode="numeric"
          className="short"
          placeholder="Forever"
          hint="After so many days a call and its audio are removed. Left empty, calls are kept until somebody removes them."
          problem={formState.errors.retention?.message}
          {...register("retention", {
            pattern: { value: /^[1-9]\d{0,4}$/, message: "Enter a whole number of days, or nothing" },
          })}
        />
        <label className="choice">
          <input type="checkbox" {...register("keep_source")} />
          <span>
            <strong>Keep uploaded files as they were</strong>
            <span className="hint">Beside the audio that is kept of each call anyway.</span>
          </span>
        </label>
      </fieldset>
      <fieldset className="panel choices" disabled={!canWrite}>
        <legend>Tables elsewhere</legend>
        <label className="choice">
          <input type="checkbox" {...register("export")} />
          <span>
            <strong>Write calls that are over out as tables</strong>
            <span className="hint">As JSON lines in the export bucket, for Athena, Databricks and the like.</span>
          </span>
        </label>
      </fieldset>
      {save.isError && <Failure error={save.error} />}
      {canWrite ? (
        <button type="submit" className="button primary save" disabled={save.isPending || !formState.isDirty}>
          {save.isPending ? "Saving" : "Save"}
        </button>
      ) : (
        <p className="hint">Admins change these.</p>
      )}
    </form>
  );
}
