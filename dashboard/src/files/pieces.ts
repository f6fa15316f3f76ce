// Where a text may be broken: at its spaces, in Chinese and Japanese between any two characters, and in what is longer
// than a line wherever it must be, but never within what a reader sees as one character, nor within brackets. The rules
// are those of shared/domain/src/transcript, so that a file is the same wherever it is made.

/** Longest text in brackets that stays whole: a mask such as `[card number]`, or a note. */
const LONGEST_MASK = 40;
const WIDE =
  /^(?:\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Emoji_Presentation}|[\u3000-\u303f\uff01-\uff60\uffe0-\uffe6])/u;
const HANGUL = /^\p{Script=Hangul}/u;
const CLOSES = /^[、。，．・：；？！゛゜ヽヾゝゞ々ー’”）〕］｝〉》」』】…‥.,:;?!)\]}]/u;
const OPENS = /^[‘“（〔［｛〈《「『【([{]/u;
const MASK = new RegExp(`^\\[(?=[^\\[\\]]*\\S)[^\\[\\]]{1,${LONGEST_MASK - 2}}\\]`, "u");
// Spaces that hold their words together are none.
const GAP = /[^\S\u00a0\u2007\u202f]|\p{Cc}/u;
const GAPS = new RegExp(GAP.source, "gu");

/** A stretch of text that stays on one line. */
export interface Piece {
  text: string;
  columns: number;
  /** Whether it follows the piece before it without a space. */
  glued: boolean;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

const columnsOf = (text: string) => {
  let columns = 0;
  for (const { segment } of graphemes.segment(text)) columns += WIDE.test(segment) || HANGUL.test(segment) ? 2 : 1;
  return columns;
};

/** What stands between the spaces of a text. Brackets hold together; what commands a terminal counts as a space. */
export function words(text: string): string[] {
  const found: string[] = [];
  let word = "";
  let rest = text;
  while (rest) {
    const mask = MASK.exec(rest)?.[0];
    if (mask) {
      word += `[${mask.slice(1, -1).replace(GAPS, " ").split(" ").filter(Boolean).join(" ")}]`;
      rest = rest.slice(mask.length);
      continue;
    }
    const letter = String.fromCodePoint(rest.codePointAt(0) ?? 0);
    if (!GAP.test(letter)) word += letter;
    else if (word) {
      found.push(word);
      word = "";
    }
    rest = rest.slice(letter.length);
  }
  return [...found, word].filter((one) => one.trim());
}

/** Breaks a text into pieces, none of them wider than a line of so many columns. */
export function pieces(text: string, line: number): Piece[] {
  return words(text).flatMap((word) =>
    parts(word, line).map((part, place) => ({ text: part, columns: columnsOf(part), glued: place > 0 })),
  );
}

/** One line of pieces, with the spaces between them. */
export const join = (all: Piece[]) => all.map((piece, at) => (at > 0 && !piece.glued ? " " : "") + piece.text).join("");

/** The width of pieces on one line. */
export function columns(all: Piece[]): number {
  const spaces = all.filter((piece, at) => at > 0 && !piece.glued).length;
  return all.reduce((sum, piece) => sum + piece.columns, spaces);
}

/** Fills lines of so many columns, one after the other. */
export function wrap(all: Piece[], line: number): Piece[][] {
  const lines: Piece[][] = [];
  let from = 0;
  for (let to = 1; to <= all.length; to += 1) {
    if (to < all.length && columns(all.slice(from, to + 1)) <= line) continue;
    lines.push(all.slice(from, to));
    from = to;
  }
  return lines;
}

function parts(word: string, line: number): string[] {
  const all = units(word);
  if (columnsOf(word) <= line && !all.some((unit) => WIDE.test(unit))) return [word];
  const found: string[] = [];
  let before = "";
  for (const unit of all) {
    const opened = OPENS.test(before) && !MASK.test(before);
    const holds = CLOSES.test(unit) || opened || (!WIDE.test(unit) && !WIDE.test(before));
    const last = found.at(-1);
    if (last !== undefined && holds && columnsOf(last) + columnsOf(unit) <= line) found[found.length - 1] = last + unit;
    else found.push(unit);
    before = unit;
  }
  return found;
}

/** What a reader sees as one character, or brackets that hold together. */
function units(word: string): string[] {
  const found: string[] = [];
  let rest = word;
  while (rest) {
    const unit = MASK.exec(rest)?.[0] ?? graphemes.segment(rest).containing(0)?.segment ?? rest;
    found.push(unit);
    rest = rest.slice(unit.length);
  }
  return found;
}
