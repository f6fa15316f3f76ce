// Hands recordings in: chosen, or dropped anywhere on the page.

import { Upload } from "lucide-react";
import { useEffect, useId, useState } from "react";
import { Modal, Select } from "../../ui/forms";
import { usePlaybooks } from "../../ui/playbooks";
import { tell } from "../../ui/toasts";
import { handIn } from "../../uploads/uploads";
import { plural } from "../../words";

/** Whether files are held over the page; those that are dropped are handed on. */
export function useDropped(onDrop: (files: File[]) => void): boolean {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files");
    const over = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (!event.relatedTarget) setOver(false);
    };
    const drop = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(false);
      onDrop([...(event.dataTransfer?.files ?? [])]);
    };
    document.addEventListener("dragover", over);
    document.addEventListener("dragleave", leave);
    document.addEventListener("drop", drop);
    return () => {
      document.removeEventListener("dragover", over);
      document.removeEventListener("dragleave", leave);
      document.removeEventListener("drop", drop);
    };
  }, [onDrop]);
  return isOver;
}

export function UploadDialog({ files, onClose }: { files: File[] | null; onClose: () => void }) {
  const playbooks = usePlaybooks();
  const [playbook, setPlaybook] = useState("sales");
  const [chosen, setChosen] = useState<File[]>([]);
  const id = useId();
  useEffect(() => setChosen(files ?? []), [files]);
  const send = () => {
    const refused = handIn(chosen, playbook);
    if (refused.length > 0) tell(`Not recordings, and left out: ${refused.join(", ")}`, true);
    onClose();
  };
  return (
    <Modal title="Upload recordings" open={files !== null} onClose={onClose}>
      <div className="stack">
        <label className="choose" htmlFor={id}>
          <Upload aria-hidden="true" size={22} />
          <strong>{chosen.length > 0 ? plural(chosen.length, "file") : "Choose recordings"}</strong>
          <span>
            {chosen.length > 0
              ? chosen.map((file) => file.name).join(", ")
              : "or drop them anywhere on this page. WAV, MP3, M4A, FLAC, OGG, Opus, WebM; of any length."}
          </span>
        </label>
        <input
          id={id}
          className="hidden"
          type="file"
          multiple
          accept="audio/*,.wav,.mp3,.m4a,.flac,.ogg,.opus,.webm"
          onChange={(event) => setChosen([...(event.target.files ?? [])])}
        />
        <Select label="Playbook" value={playbook} onChange={(event) => setPlaybook(event.target.value)}>
          {playbooks.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </Select>
      </div>
      <div className="dialog-actions">
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" className="button primary" disabled={chosen.length === 0} onClick={send}>
          Upload
        </button>
      </div>
    </Modal>
  );
}
