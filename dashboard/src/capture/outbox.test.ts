import { expect, test } from "vitest";
import { Outbox } from "./outbox";

const withFrames = (count: number) => {
  const outbox = new Outbox();
  for (let seq = 1; seq <= count; seq += 1) expect(outbox.push(Uint8Array.of(seq))).toBe(seq);
  return outbox;
};

/** All that it sends now, in short. */
function drain(outbox: Outbox, now: number): string {
  const said: string[] = [];
  for (let next = outbox.poll(now); next; next = outbox.poll(now)) {
    if (next.kind === "audio") expect(next.payload[0]).toBe(next.seq % 256);
    said.push(
      next.kind === "audio"
        ? `${next.seq}`
        : next.kind === "gone"
          ? `gone ${next.from}-${next.to}`
          : `stop ${next.seq}`,
    );
  }
  return said.join(" ");
}

test("a good call says everything once", () => {
  const outbox = withFrames(2);
  expect(drain(outbox, 0)).toBe("");
  outbox.connected();
  expect(drain(outbox, 0)).toBe("1 2");
  outbox.push(Uint8Array.of(3));
  outbox.finish();
  expect(drain(outbox, 80)).toBe("3 stop 3");
  outbox.acknowledged(100, 3);
  expect(outbox.isSettled).toBe(false);
  outbox.ended();
  expect(outbox.isSettled).toBe(true);
  expect(drain(outbox, 60_000)).toBe("");
});

test("after a reconnect only what was not acknowledged is sent, and the end again", () => {
  const outbox = withFrames(4);
  outbox.connected();
  drain(outbox, 0);
  outbox.acknowledged(10, 2);
  outbox.disconnected();
  outbox.push(Uint8Array.of(5));
  outbox.finish();
  expect(drain(outbox, 20)).toBe("");
  outbox.connected();
  expect(drain(outbox, 30)).toBe("3 4 5 stop 5");
  outbox.disconnected();
  outbox.connected();
  expect(drain(outbox, 40)).toBe("3 4 5 stop 5");
});

test("what is asked for comes before what is new; what is gone is told", () => {
  const outbox = withFrames(5);
  outbox.connected();
  drain(outbox, 0);
  outbox.acknowledged(10, 2);
  outbox.push(Uint8Array.of(6));
  outbox.resend(20, 1, 4);
  expect(drain(outbox, 20)).toBe("gone 1-2 3 4 6");
});

test("silence is borne, then everything is sent again, ever more patiently", () => {
  const outbox = withFrames(2);
  outbox.connected();
  drain(outbox, 0);
  expect(drain(outbox, 3_999)).toBe("");
  expect(drain(outbox, 4_000)).toBe("1 2");
  expect(drain(outbox, 11_999)).toBe("");
  expect(drain(outbox, 12_000)).toBe("1 2");
  outbox.acknowledged(12_100, 2);
  expect(drain(outbox, 60_000)).toBe("");
});

test("frames that an earlier page left behind keep their numbers", () => {
  const outbox = new Outbox(7, [Uint8Array.of(7), Uint8Array.of(8)]);
  outbox.finish();
  outbox.connected();
  expect(drain(outbox, 0)).toBe("7 8 stop 8");
  outbox.acknowledged(10, 6);
  expect(outbox.unacknowledged).toBe(2);
  outbox.acknowledged(20, 99);
  expect(outbox.unacknowledged).toBe(0);
});

test("against a stack that loses and doubles messages, every frame arrives", () => {
  let state = 7;
  const chance = () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
  for (let round = 0; round < 200; round += 1) {
    const outbox = withFrames(12);
    outbox.finish();
    outbox.connected();
    const heard = new Set<number>();
    let stopped = false;
    for (let now = 0; now < 600_000 && !outbox.isSettled; now += 500) {
      for (let next = outbox.poll(now); next; next = outbox.poll(now)) {
        if (chance() < 0.3) continue;
        if (next.kind === "audio") heard.add(next.seq);
        if (next.kind === "stop") stopped = true;
      }
      let upTo = 0;
      while (heard.has(upTo + 1)) upTo += 1;
      if (chance() < 0.5) outbox.acknowledged(now, upTo);
      if (chance() < 0.1 && upTo < 12) outbox.resend(now, upTo + 1, 12);
      if (chance() < 0.05) {
        outbox.disconnected();
        outbox.connected();
      }
      if (stopped && upTo === 12) outbox.ended();
    }
    expect([heard.size, outbox.isSettled]).toEqual([12, true]);
  }
});
