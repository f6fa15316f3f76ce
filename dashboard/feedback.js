// What this person thinks of a card: four small buttons, and which of them stands. No network.

const VERDICTS = [["used", "Used"], ["helpful", "Helpful"], ["not_helpful", "Not helpful"], ["dismissed", "Dismiss"]];
const KEPT = "callboard.verdicts";

/** This person's verdicts by call and card. The stack tells everybody's; whose is whose, this page remembers. */
export class Verdicts {
  #known = new Map();
  #onGive;

  /** `onGive(card, verdict)` sends one, or takes it back where the verdict is null. */
  constructor(onGive) {
    this.#onGive = onGive;
    try {
      this.#known = new Map(JSON.parse(sessionStorage.getItem(KEPT) ?? "[]"));
    } catch {
      // Without a memory the buttons work all the same.
    }
  }

  /** The verdict that this person gave, if any. */
  of(call, card) {
    return this.#known.get(`${call} ${card}`) ?? null;
  }

  /** Takes in what the stack stored. */
  confirm(call, card, verdict) {
    const key = `${call} ${card}`;
    if (verdict) this.#known.set(key, verdict);
    else this.#known.delete(key);
    try {
      sessionStorage.setItem(KEPT, JSON.stringify([...this.#known].slice(-500)));
    } catch {
      // See above.
    }
  }

  /** The row of buttons of a card. */
  makeRow(card) {
    const row = document.createElement("div");
    row.className = "verdicts";
    row.setAttribute("role", "group");
    row.setAttribute("aria-label", `What you think of “${card.label}”`);
    for (const [verdict, label] of VERDICTS) {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.verdict = verdict;
      button.dataset.label = label;
      button.addEventListener("click", () => {
        this.#onGive(card.id, button.getAttribute("aria-pressed") === "true" ? null : verdict);
      });
      row.append(button);
    }
    return row;
  }

  /** Brings the row of a card up to date, and leaves the focus where it is. */
  updateRow(row, call, card) {
    const mine = this.of(call, card.id);
    for (const button of row.children) {
      const { verdict, label } = button.dataset;
      const count = (card.feedback ?? []).filter((given) => given.verdict === verdict).length;
      const text = count > 0 ? `${label} · ${count}` : label;
      if (button.textContent !== text) button.textContent = text;
      button.setAttribute("aria-pressed", String(mine === verdict));
    }
  }
}
