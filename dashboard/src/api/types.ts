// The names that the page gives to what goes over the wire. All of it is made from the documents of the stack.

import type { components as Rest } from "./generated/openapi";
import type { components as Socket } from "./generated/socket";

type Body = Rest["schemas"];

export type Call = Body["CallMessage"];
export type CallStatus = Body["CallStatus"];
export type Channel = Body["Channel"];
export type Segment = Body["SegmentMessage"];
export type Snapshot = Body["CallSnapshot"];
export type Progress = Body["ProgressView"];
export type Card = Omit<Body["RevisedShownCard"], "revision">;
export type Evidence = Body["Evidence"];
export type Notes = Body["Notes"];
export type Link = Body["Link"];
export type Recording = Body["RecordingView"];
export type RecordingTicket = Body["RecordingTicket"];
export type Verdict = Body["Verdict"];
export type Problem = Body["Problem"];
export type TextProblem = Body["TextProblem"];
export type Playbook = Body["Playbook"];
export type PlaybookSummary = Body["PlaybookSummary"];
export type PlaybookTrial = Body["PlaybookTrial"];
export type OrgSettings = Body["OrgSettings"];
export type AudioPiece = Body["AudioPiece"];
export type AuthInfo = Body["AuthInfo"];
export type Session = Body["Session"];
export type Me = Body["Me"];
export type Role = Body["Role"];
export type User = Body["User"];
export type Invitation = Body["Invitation"];

export type ServerMessage = Socket["schemas"]["ServerMessage"];
export type ClientMessage = Socket["schemas"]["ClientMessage"];
