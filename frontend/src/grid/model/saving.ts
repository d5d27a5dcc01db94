import { choose, conflictsOf, rebase, settleChoices } from "./conflicts";
import { DONE, refused } from "./outcomes";
import { halves, type Part, partsOf, settle } from "./patches";
import type { Sheet } from "./sheet";
import { type Choice, type Outcome, type Row, type Saved, SaveRefused, type SaveState, type ServerConflict, StaleVersion, type TablePort } from "./types";

/** A call whose answer never came: it is sent again as it was, under the same key, before anything else. */
export type Pending = { readonly key: string; readonly part: Part };

/** Not `randomUUID`, which browsers have only over TLS. */
const freshKey = (): string => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Versions of others that may come in between while a save rebases itself; more is a table that never stands still. */
const MOST_REBASES = 8;

/** Saves the draft. Whatever goes wrong, what is not known to be saved stays in the draft. */
export class Saving {
  readonly #table: TablePort;
  readonly #sheet: Sheet;
  readonly #renumbered: (numbers: ReadonlyMap<Row, Row>) => void;
  #state: SaveState = { kind: "idle" };
  /** The version that the conflicts were compared with. */
  #compared = 0;
  /** Up to where of the draft the save goes. */
  #stamp = 0;
  pending: Pending | null = null;

  constructor(table: TablePort, sheet: Sheet, renumbered: (numbers: ReadonlyMap<Row, Row>) => void) {
    this.#table = table;
    this.#sheet = sheet;
    this.#renumbered = renumbered;
  }

  get state(): SaveState {
    return this.#state;
  }

  async save(): Promise<Outcome> {
    const { draft } = this.#sheet;
    if (this.#state.kind === "saving") return refused("busy");
    if (this.#state.kind === "conflict") {
      if (this.#state.open > 0) return refused("conflicts-open");
      this.#settleChoices();
    }
    if (draft.isEmpty && !this.pending) {
      this.#become({ kind: "idle" });
      return refused("nothing-to-do");
    }
    const { stamp } = draft;
    this.#stamp = stamp;
    draft.lock();
    try {
      return await this.#saveUpTo(stamp);
    } catch (error) {
      this.#become({ kind: "failed", error: error instanceof SaveRefused ? error.cause : error });
      return refused("save-failed");
    } finally {
      if (!this.pending) draft.unlock();
    }
  }

  resolve(choice: Choice, which?: { row: Row; column: string | null }): void {
    if (this.#state.kind !== "conflict") return;
    this.#conflict(choose(this.#state.conflicts, choice, which));
  }

  /** For a draft that is discarded. */
  reset(): void {
    this.pending = null;
    this.#become({ kind: "idle" });
  }

  async #saveUpTo(stamp: number): Promise<Outcome> {
    const { draft, columns } = this.#sheet;
    let done = 0;
    for (let rebases = 0; rebases <= MOST_REBASES; ) {
      const parts = partsOf(draft, columns.all, stamp);
      const first = this.pending?.part ?? parts[0];
      if (!first) {
        draft.forget(stamp);
        this.#become({ kind: "idle" });
        return DONE;
      }
      this.#become({ kind: "saving", done, total: done + parts.length });
      const answer = await this.#send(first);
      if (!(answer instanceof StaleVersion)) {
        done += 1;
        continue;
      }
      rebases += 1;
      if (await this.#conflicts(answer, first, parts, stamp)) return refused("conflicts-open");
    }
    throw new Error("the table was changed by others again and again");
  }

  /** Sends one call; gives what the server says of a stale version. */
  async #send(part: Part): Promise<Saved | StaleVersion> {
    const pending = this.pending ?? { key: freshKey(), part };
    this.pending = pending;
    this.#sheet.signals.raise("save");
    try {
      const saved = await this.#table.save(pending.part.patch, pending.key);
      this.pending = null;
      this.#saved(pending.part, saved);
      return saved;
    } catch (error) {
      if (error instanceof StaleVersion || error instanceof SaveRefused) this.pending = null;
      if (error instanceof StaleVersion) return error;
      throw error;
    }
  }

  #saved(part: Part, saved: Saved): void {
    const { draft, columns, blocks, signals } = this.#sheet;
    const { patch } = part;
    const rowsChange = patch.insert_rows.length > 0 || patch.delete_rows.length > 0;
    signals.batch(() => {
      draft.forget(this.#stamp);
      const numbers = settle(draft, columns.all, part, saved);
      blocks.saved(patch.version, saved.version, patch.edits, rowsChange ? patch.insert_rows.length - patch.delete_rows.length : null);
      this.#renumbered(numbers);
      draft.touched(null);
    });
  }

  /** Compares the whole draft with the version of the others: true when choices are due. */
  async #conflicts(stale: StaleVersion, first: Part, parts: readonly Part[], stamp: number): Promise<boolean> {
    const { draft, blocks, signals } = this.#sheet;
    const version = stale.currentVersion;
    const reported: ServerConflict[] = [];
    reported.push(...(await this.#allOf(stale, first)));
    for (const part of parts.filter((one) => one !== first)) {
      const answer = await this.#probe(part);
      reported.push(...(answer ? await this.#allOf(answer, part) : []));
    }
    return signals.batch(() => {
      const conflicts = conflictsOf(draft, reported, version);
      rebase(draft, version, conflicts, stamp);
      this.#compared = version;
      draft.touched(null);
      blocks.outdate(version);
      if (conflicts.length > 0) this.#conflict(conflicts);
      return conflicts.length > 0;
    });
  }

  /** Conflicts that an answer had no room for come out of smaller questions. */
  async #allOf(answer: StaleVersion, part: Part): Promise<ServerConflict[]> {
    const smaller = answer.more > 0 ? halves(part) : null;
    if (!smaller) return [...answer.conflicts];
    const found: ServerConflict[] = [];
    for (const half of smaller) {
      const again = await this.#probe(half);
      if (again) found.push(...(await this.#allOf(again, half)));
    }
    return found;
  }

  /** Asks with the old version, which is refused with the conflicts: versions only rise. */
  async #probe(part: Part): Promise<StaleVersion | null> {
    const answer = await this.#send(part);
    return answer instanceof StaleVersion ? answer : null;
  }

  #settleChoices(): void {
    if (this.#state.kind !== "conflict") return;
    const { conflicts } = this.#state;
    const { draft, signals } = this.#sheet;
    signals.batch(() => {
      settleChoices(draft, conflicts, this.#compared, (gone) => this.#standIn(gone));
      draft.touched(null);
      this.#become({ kind: "idle" });
    });
  }

  /** The row that now stands where the rows behind a lost one are drawn; the top when it is not known. */
  #standIn(gone: Row): Row | null {
    const { draft, blocks } = this.#sheet;
    const place = draft.inserts.get(draft.behind.get(gone)?.[0] ?? 0)?.place ?? 0;
    const row = blocks.row(Math.min(place, blocks.matched) - 1);
    return row === gone ? null : (row ?? null);
  }

  #conflict(conflicts: Extract<SaveState, { kind: "conflict" }>["conflicts"]): void {
    const open = conflicts.filter(({ choice }) => choice === null).length;
    this.#become({ kind: "conflict", conflicts, open });
  }

  #become(state: SaveState): void {
    this.#state = state;
    const open = state.kind === "conflict" ? state.conflicts.filter(({ choice }) => choice === null) : [];
    this.#sheet.conflicts = new Set(open.map(({ row, column }) => `${row}/${column ?? ""}`));
    this.#sheet.signals.raise("save", "cells");
  }
}
