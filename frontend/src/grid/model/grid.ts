import { changesOf, type DraftChange } from "./changes";
import { Clipboard } from "./clipboard";
import { Columns } from "./columns";
import { Editor } from "./editing";
import { Finding } from "./finding";
import type { Grid, GridOptions } from "./index";
import { Keeping } from "./keeping";
import { Locating } from "./locating";
import { DONE, refused } from "./outcomes";
import { Saving } from "./saving";
import { Selection } from "./selection";
import { Sheet } from "./sheet";
import { Sight } from "./sight";
import { Signals } from "./signals";
import { StatisticsOf } from "./statistics";
import type { Change, Choice, Line, LoadState, Outcome, PastePlan, Rect, Row, TablePort, Topic, Value, View, Window } from "./types";
import { Versions } from "./versions";
import { isPlain, PLAIN, sameView } from "./view";

/** Puts the parts together; each command is told to the one that it is about. */
export class GridModel implements Grid {
  readonly columns: Columns;
  readonly #table: TablePort;
  readonly #signals = new Signals();
  readonly #sheet: Sheet;
  readonly #sight: Sight;
  readonly #selection: Selection;
  readonly #editor: Editor;
  readonly #clipboard: Clipboard;
  readonly #saving: Saving;
  readonly #versions: Versions;
  readonly #keeping: Keeping;
  readonly #locating: Locating;
  readonly #finding: Finding;
  readonly #statistics: StatisticsOf;
  readonly #control = new AbortController();

  constructor(options: GridOptions) {
    const { table, version, totalRows } = options;
    this.#table = table;
    this.columns = new Columns(options.columns, this.#signals, options.columnsState);
    this.#sheet = new Sheet(table, this.columns, this.#signals, { version, totalRows, view: options.view ?? PLAIN });
    this.#sight = new Sight(this.#sheet);
    this.#selection = new Selection(this.#sheet);
    this.#editor = new Editor(this.#sheet, this.#selection);
    this.#clipboard = new Clipboard(this.#sheet, this.#selection);
    this.#saving = new Saving(table, this.#sheet, (numbers) => {
      this.#selection.renumber(numbers);
      this.#editor.renumber(numbers);
    });
    this.#versions = new Versions(table, this.#sheet, this.#saving);
    this.#keeping = new Keeping(options.drafts, this.#sheet.draft, this.#saving);
    this.#locating = new Locating(table, this.#sheet, this.#selection, this.#control.signal);
    this.#finding = new Finding(table, this.#sheet, this.#selection, (row) => this.#locating.lineOf(row));
    this.#statistics = new StatisticsOf(this.#sheet);
    this.#keeping.restore();
    this.#signals.subscribe(({ topics }) => this.#follow(topics));
  }

  subscribe(listener: (change: Change) => void): () => void {
    return this.#signals.subscribe(listener);
  }

  counter(topic: Topic): number {
    return this.#signals.counter(topic);
  }

  close(): void {
    this.#keeping.close();
    this.#signals.clear();
    this.#control.abort();
    this.#sight.close();
    this.#finding.stop();
    this.#sheet.blocks.close();
  }

  // ---- rows and cells

  get state(): LoadState {
    const { known, failed } = this.#sheet.blocks;
    if (known) return { kind: "ready" };
    return failed === undefined ? { kind: "loading" } : { kind: "failed", error: failed };
  }

  get version(): number {
    return this.#sheet.blocks.version;
  }

  get totalRows(): number {
    return this.#sheet.blocks.total;
  }

  get matchedRows(): number {
    return this.#sheet.blocks.matched;
  }

  get lines(): number {
    return this.#sheet.lines;
  }

  row(line: Line): Row | undefined {
    return this.#sheet.row(line);
  }

  value(line: Line, column: number): Value | undefined {
    return this.#sheet.value(line, column);
  }

  marks(line: Line, column: number): number {
    return this.#sheet.marks(line, column);
  }

  lineOf(row: Row): Line | undefined {
    return this.#sheet.lineOf(row);
  }

  look(window: Window): void {
    this.#sight.look(window);
  }

  retry(): void {
    this.#sheet.blocks.retry();
    this.#signals.raise("state", "cells");
  }

  get failed(): unknown {
    return this.#sheet.blocks.failed;
  }

  refresh(version?: number): void {
    if (version === undefined || version > this.version) this.#sheet.blocks.outdate(version);
  }

  async read(line: Line, column: number): Promise<Value> {
    const at = this.columns.shown.indexOf(column);
    const release = await this.#sheet.hold({ top: line, bottom: line, left: at, right: at });
    try {
      return this.#sheet.value(line, column) ?? null;
    } finally {
      release();
    }
  }

  // ---- view

  get view(): View {
    return this.#sheet.blocks.view;
  }

  setView(view: View): void {
    if (sameView(view, this.view)) return;
    this.#signals.batch(() => {
      this.#sheet.setView(view);
      this.#signals.raise("view", "state", "lines", "cells", "selection", "statistics");
    });
  }

  // ---- selection

  get active() {
    return this.#selection.active;
  }

  get ranges() {
    return this.#selection.ranges;
  }

  isSelected(line: Line, at: number): boolean {
    return this.#selection.isSelected(line, at);
  }

  select(...how: Parameters<Grid["select"]>): void {
    this.#selection.select(...how);
  }

  selectAll(): void {
    this.#selection.selectAll();
  }

  move(...how: Parameters<Grid["move"]>): void {
    this.#selection.move(...how);
  }

  moveTo(...how: Parameters<Grid["moveTo"]>): void {
    this.#selection.moveTo(...how);
  }

  movePage(...how: Parameters<Grid["movePage"]>): void {
    this.#selection.movePage(...how);
  }

  step(...how: Parameters<Grid["step"]>): void {
    this.#selection.step(...how);
  }

  async goTo(row: Row, column?: string): Promise<Outcome> {
    const { generation } = this.#sheet.blocks;
    let line: Line | null;
    try {
      line = await this.#locating.lineOf(row);
    } catch {
      return refused("load-failed");
    }
    if (generation !== this.#sheet.blocks.generation) return refused("outdated");
    if (line === null) return refused(isPlain(this.view) ? "no-such-row" : "not-in-view");
    const at = column === undefined ? (this.active?.at ?? 0) : this.columns.at(column);
    this.#selection.select(line, at);
    this.#selection.claim(row);
    return DONE;
  }

  get statistics() {
    return this.#statistics.of(this.#selection.ranges);
  }

  completeStatistics(cells?: number): Promise<void> {
    return this.#statistics.complete(this.#selection.ranges, this.#control.signal, cells);
  }

  // ---- editing

  get editing() {
    return this.#editor.state;
  }

  setEditMode(on: boolean): Outcome {
    return this.#editor.setMode(on);
  }

  begin(typed?: string): Outcome {
    return this.#editor.begin(typed);
  }

  commit(...how: Parameters<Grid["commit"]>): Outcome {
    return this.#editor.commit(...how);
  }

  cancel(): void {
    this.#editor.cancel();
  }

  set(...how: Parameters<Grid["set"]>): Outcome {
    return this.#editor.set(...how);
  }

  seen(line: Line, column: number) {
    return this.#sheet.seen(line, column);
  }

  clear(absent?: boolean): Promise<Outcome> {
    return this.#editor.clear(absent);
  }

  fill(direction: "down" | "right"): Promise<Outcome> {
    return this.#editor.fill(direction);
  }

  fillTo(target: Rect): Promise<Outcome> {
    return this.#editor.fillTo(target);
  }

  insertRows(count: number, where: "above" | "below"): Outcome {
    return this.#editor.insert(count, where);
  }

  deleteRows(): Promise<Outcome> {
    return this.#editor.remove();
  }

  undo(): Outcome {
    return this.#editor.undo();
  }

  redo(): Outcome {
    return this.#editor.redo();
  }

  get canUndo(): boolean {
    return this.#editor.state.kind !== "off" && this.#sheet.draft.canUndo;
  }

  get canRedo(): boolean {
    return this.#editor.state.kind !== "off" && this.#sheet.draft.canRedo;
  }

  // ---- draft

  get dirty() {
    return this.#sheet.draft.count;
  }

  get hasDraft(): boolean {
    return !this.#sheet.draft.isEmpty;
  }

  get restored() {
    return this.#keeping.restored;
  }

  dismissRestored(): void {
    this.#keeping.dismiss();
    this.#signals.raise("draft");
  }

  flush(): void {
    this.#keeping.flush();
  }

  changes(): readonly DraftChange[] {
    return changesOf(this.#sheet.draft);
  }

  get draftKept(): boolean {
    return this.#keeping.kept;
  }

  discard(): Outcome {
    if (this.#saving.state.kind === "saving") return refused("busy");
    this.#signals.batch(() => {
      this.#editor.cancel();
      this.#saving.reset();
      this.#keeping.dismiss();
      this.#sheet.draft.clear();
    });
    return DONE;
  }

  // ---- clipboard

  copy(...how: Parameters<Grid["copy"]>): ReturnType<Grid["copy"]> {
    return this.#clipboard.copy(...how);
  }

  async planPaste(text: string): ReturnType<Grid["planPaste"]> {
    return this.#editor.state.kind === "off" ? refused("edit-mode-off") : this.#clipboard.plan(text);
  }

  paste(plan: PastePlan): Outcome {
    return plan.stamp === this.#clipboard.stamp ? this.#editor.paste(plan) : refused("outdated");
  }

  // ---- saving

  get saving() {
    return this.#saving.state;
  }

  save(): Promise<Outcome> {
    return this.#saving.save();
  }

  resolve(choice: Choice, which?: { readonly row: Row; readonly column: string | null }): void {
    this.#saving.resolve(choice, which);
  }

  // ---- versions on the server

  undoVersion(): Promise<Outcome> {
    return this.#versions.undo();
  }

  redoVersion(): Promise<Outcome> {
    return this.#versions.redo();
  }

  get versionError(): unknown {
    return this.#versions.error;
  }

  history(offset: number, limit: number): ReturnType<Grid["history"]> {
    return this.#table.history(offset, limit);
  }

  // ---- find

  get finding() {
    return this.#finding.state;
  }

  find(...how: Parameters<Grid["find"]>): Promise<void> {
    return this.#finding.find(...how);
  }

  stopFinding(): void {
    this.#finding.stop();
  }

  #follow(topics: ReadonlySet<Topic>): void {
    if (topics.has("draft") || topics.has("save")) this.#keeping.changed();
    if (topics.has("lines")) this.#sight.again();
    if (topics.has("lines") || topics.has("state")) this.#locating.settle();
  }
}
