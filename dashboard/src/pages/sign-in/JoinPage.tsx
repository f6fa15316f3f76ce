// Whoever was invited makes an account here. The invitation's secret stands in the address behind the #, which browsers
// send nobody, and is taken out of it at once.

import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useNavigate } from "react-router";
import { api, body } from "../../api/client";
import { Failure, Spinner } from "../../ui/states";
import { roleWords } from "../../words";
import { AccountForm } from "./AccountForm";
import { Door } from "./Door";

const secretOf = (hash: string) => new URLSearchParams(hash.slice(1)).get("invitation") ?? "";

export default function JoinPage() {
  const [secret] = useState(() => secretOf(location.hash));
  useEffect(() => history.replaceState(null, "", location.pathname), []);
  const navigate = useNavigate();
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
        <section className="door-part">
          <AccountForm
            title={`Join ${invitation.data.organization ?? "your team"}`}
            about={`You will be: ${roleWords[invitation.data.role].toLowerCase()}.`}
            submit="Join"
            primary
            invited={invitation.data.email}
            invitation={secret}
            onDone={() => navigate("/", { replace: true })}
          />
        </section>
      )}
    </Door>
  );
}
