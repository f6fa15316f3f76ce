// The same cases as in shared/domain/src/transcript: a file is the same wherever it is made.

import { expect, test } from "vitest";
import { cues, type Said } from "./cues";
import { pieces } from "./pieces";
import { spansOf } from "./timing";
import { srt, text, vtt } from "./transcript";

const said = (start_ms: number, end_ms: number, words: string, more: Partial<Said> = {}): Said => ({
  channel: "agent",
  start_ms,
  end_ms,
  text: words,
  ...more,
});

test.each([
  [[said(500, 2_500, "Good morning, this is Ann.")], false, [[500, 2_500, "Good morning, this is Ann."]]],
  [
    [said(0, 4_000, "Good morning, this is Ann from Northwind, how are you?")],
    true,
    [[0, 4_000, "Agent: Good morning, this is|Ann from Northwind, how are you?"]],
  ],
  [
    [
      said(
        0,
        7_800,
        "I see what you mean, and I would think so too. But let me tell you one more thing, which is short.",
      ),
    ],
    false,
    [
      [0, 3_646, "I see what you mean, and|I would think so too."],
      [3_646, 7_800, "But let me tell you one|more thing, which is short."],
    ],
  ],
  [
    [said(0, 20_000, "well er")],
    false,
    [
      [0, 7_000, "well"],
      [13_333, 20_000, "er"],
    ],
  ],
  [
    [said(0, 100, "no"), said(600, 700, "yes")],
    false,
    [
      [0, 600, "no"],
      [600, 1_600, "yes"],
    ],
  ],
  [
    [said(0, 2_000, "one"), said(100, 2_100, "two"), said(100, 100, "three")],
    false,
    [
      [0, 1_000, "one"],
      [1_000, 1_040, "three"],
      [1_040, 2_100, "two"],
    ],
  ],
  [
    [said(0, 500, " "), said(0, 1_000, "", { placeholder: "waiting" })],
    true,
    [[0, 1_000, "Agent:|[waiting for the transcription service]"]],
  ],
] as [Said[], boolean, [number, number, string][]][])("cues of %j", (utterances, labels, expected) => {
  const found = cues(utterances, labels).map((cue) => [cue.start, cue.end, cue.lines.join("|")]);
  expect(found).toEqual(expected);
});

test.each([
  [
    "aaa b",
    [],
    [
      [1_000, 1_750],
      [1_750, 2_000],
    ],
  ],
  [
    "“Hello”, world!",
    [
      ["hello", 1_100, 1_300],
      ["world", 1_500, 1_900],
    ],
    [
      [1_100, 1_300],
      [1_500, 1_900],
    ],
  ],
  [
    "don't go",
    [
      ["don", 1_100, 1_200],
      ["'t", 1_200, 1_400],
      ["go", 1_500, 1_600],
    ],
    [
      [1_100, 1_400],
      [1_500, 1_600],
    ],
  ],
  [
    "my [card number] ok",
    [
      ["my", 1_000, 1_100],
      ["4242", 1_100, 1_800],
      ["ok", 1_900, 2_000],
    ],
    [
      [1_000, 1_100],
      [1_100, 1_900],
      [1_900, 2_000],
    ],
  ],
] as [string, [string, number, number][], [number, number][]][])("times of %s", (line, words, expected) => {
  const known = words.map(([word, start_ms, end_ms]) => ({ text: word, start_ms, end_ms }));
  const spans = spansOf(pieces(line, 42), { begin: 1_000, end: 2_000 }, known);
  expect(spans.map(({ begin, end }) => [begin, end])).toEqual(expected);
});

test.each([
  ["「はい、元気」 ok", 42, ["「は", "+い、", "+元", "+気」", "ok"]],
  ["iPhoneを買う", 42, ["iPhone", "+を", "+買", "+う"]],
  ["it is [card  number], yes", 42, ["it", "is", "[card number],", "yes"]],
  ["aaaaab", 5, ["aaaaa", "+b"]],
  ["good\tmorning,\r\nMr.\u00a0Ito ", 42, ["good", "morning,", "Mr.\u00a0Ito"]],
] as [string, number, string[]][])("pieces of %s", (line, width, expected) => {
  expect(pieces(line, width).map((piece) => (piece.glued ? "+" : "") + piece.text)).toEqual(expected);
});

test("files are as players and people read them", () => {
  const call = [
    said(361_000_500, 361_002_000, "a --> b & <b>bold</b>", { channel: "customer" }),
    said(90, 2_000, "Good morning."),
  ];
  expect(srt(call)).toBe(
    "1\n00:00:00,090 --> 00:00:02,000\nAgent: Good morning.\n\n" +
      "2\n100:16:40,500 --> 100:16:42,000\nCustomer: a --› b & ‹b›bold‹/b›\n\n",
  );
  expect(vtt(call)).toBe(
    "WEBVTT\n\n1\n00:00:00.090 --> 00:00:02.000\n<v Agent>Good morning.</v>\n" +
      "\n2\n100:16:40.500 --> 100:16:42.000\n<v Customer>a --&gt; b &amp; &lt;b&gt;bold&lt;/b&gt;</v>\n",
  );
  const lost = said(3_725_000, 3_726_000, "", { placeholder: "failed" });
  expect(text([lost, said(9, 900, "Hello?")])).toBe(
    "00:00:00  Agent     Hello?\n01:02:05  Agent     [this part could not be transcribed]\n",
  );
});
