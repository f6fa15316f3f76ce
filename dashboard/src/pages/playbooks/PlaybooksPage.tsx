// The playbooks that calls can name.

import { Plus } from "lucide-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { api, body } from "../../api/client";
import { useMay } from "../../permissions";
import { Failure, Spinner } from "../../ui/states";

const origins = { own: "Your own", shared: "Shared", shipped: "Came with Callboard" };

export default function PlaybooksPage() {
  const query = useQuery({ queryKey: ["playbooks"], queryFn: () => body(api.GET("/v1/playbooks")) });
  const canWrite = useMay("write_playbooks");
  return (
    <>
      <title>Playbooks · Callboard</title>
      <div className="page-head">
        <div>
          <h1>Playbooks</h1>
          <p className="hint">What a call of a kind must reach, and how to answer pushback.</p>
        </div>
        {canWrite && (
          <Link className="button primary" to="/playbooks/new">
            <Plus aria-hidden="true" size={16} /> New playbook
          </Link>
        )}
      </div>
      {query.isPending && <Spinner label="Loading the playbooks" />}
      {query.isError && <Failure error={query.error} retry={() => query.refetch()} />}
      {query.data && (
        <ul className="cards-list">
          {query.data.playbooks.map(({ id, name, version, language, origin }) => (
            <li key={id}>
              <Link className="panel list-card" to={`/playbooks/${id}`}>
                <strong>{name}</strong>
                <span className="hint">
                  {origins[origin]} · version {version} · {language}
                </span>
                <code>{id}</code>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
