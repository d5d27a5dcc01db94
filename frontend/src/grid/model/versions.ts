import { DONE, refused } from "./outcomes";
import type { Saving } from "./saving";
import type { Sheet } from "./sheet";
import type { Outcome, TablePort } from "./types";

/** Takes saved versions back and brings them back, as long as there is nothing unsaved that was made upon them. */
export class Versions {
  readonly #table: TablePort;
  readonly #sheet: Sheet;
  readonly #saving: Saving;
  /** Why the last of them failed; undefined where it did not. */
  error: unknown;

  constructor(table: TablePort, sheet: Sheet, saving: Saving) {
    this.#table = table;
    this.#sheet = sheet;
    this.#saving = saving;
  }

  undo(): Promise<Outcome> {
    return this.#turn(() => this.#table.undo());
  }

  redo(): Promise<Outcome> {
    return this.#turn(() => this.#table.redo());
  }

  async #turn(change: () => Promise<{ version: number }>): Promise<Outcome> {
    if (!this.#sheet.draft.isEmpty || this.#saving.pending) return refused("unsaved-changes");
    this.error = undefined;
    try {
      const { version } = await change();
      this.#sheet.blocks.outdate(version);
      return DONE;
    } catch (error) {
      this.error = error;
      return refused("save-failed");
    } finally {
      this.#sheet.signals.raise("history");
    }
  }
}
