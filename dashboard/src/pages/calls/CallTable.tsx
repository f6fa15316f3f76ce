// Calls as rows, and those that go on now as tiles that a supervisor sees at a glance.

import { Link } from "react-router";
import type { Call } from "../../api/types";
import { useNames } from "../../ui/names";
import { useNow } from "../../ui/useNow";
import { clock, moment, sentence, statusWords } from "../../words";

export function LiveCalls({ calls }: { calls: Call[] }) {
  const now = useNow(1000);
  const names = useNames();
  if (calls.length === 0) return null;
  return (
    <section aria-labelledby="live-now">
      <h2 id="live-now" className="section-title">
        Live now
      </h2>
      <ul className="tiles">
        {calls.map((call) => (
          <li key={call.call}>
            <Link className="tile" to={`/calls/${call.call}`}>
              <span className="tile-who">{names(call.principal)}</span>
              <span className={`status ${call.status}`}>{statusWords[call.status]}</span>
              <span className="tile-what">{sentence(call.playbook)}</span>
              <span className="tile-time">{clock(Math.max(0, now - call.started_at_ms))}</span>
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function CallTable({ calls }: { calls: Call[] }) {
  const names = useNames();
  return (
    <table className="calls">
      <thead>
        <tr>
          <th scope="col">Started</th>
          <th scope="col">Playbook</th>
          <th scope="col">Agent</th>
          <th scope="col">Length</th>
          <th scope="col">Status</th>
        </tr>
      </thead>
      <tbody>
        {calls.map((call) => (
          <tr key={call.call}>
            <td className="calls-when">
              <Link to={`/calls/${call.call}`}>{moment(call.started_at_ms)}</Link>
              {call.file_name && <span className="calls-file">{call.file_name}</span>}
            </td>
            <td className="calls-what">{sentence(call.playbook)}</td>
            <td className="calls-who">{names(call.principal)}</td>
            <td className="calls-length">{call.duration_ms > 0 ? clock(call.duration_ms) : "–"}</td>
            <td className="calls-status">
              <span className={`status ${call.status}`}>{statusWords[call.status]}</span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
