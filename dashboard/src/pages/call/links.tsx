// What was said, as a button that leads to its place in the transcript.

import type { Channel } from "../../api/types";
import { clock } from "../../words";

/** A segment of the call, by its key. */
export interface Place {
  start_ms: number;
  channel: Channel;
}

export type Show = (place: Place) => void;

interface Props {
  place: Place;
  quote: string;
  more?: string;
  onShow: Show;
}

export function Quote({ place, quote, more, onShow }: Props) {
  return (
    <button type="button" className="quote" onClick={() => onShow(place)}>
      <span className="quote-time">{clock(place.start_ms)}</span> “{quote}”{more}
    </button>
  );
}

export function PlaceLink({ place, onShow }: { place: Place; onShow: Show }) {
  return (
    <button
      type="button"
      className="place"
      onClick={() => onShow(place)}
      aria-label={`Show ${clock(place.start_ms)} in the transcript`}
    >
      {clock(place.start_ms)}
    </button>
  );
}
