import type { PairStatus, TreeNode } from "./types";
import type { Shown } from "./view";

/** One line of the drawn tree. `path` is its identity; `parent` is the line of the folder that it is in, -1 for the first. */
export type Line = {
  node: TreeNode;
  level: number;
  parent: number;
  open: boolean;
  isFolder: boolean;
  /** Which of its siblings it is, from 1, and how many they are. */
  place: number;
  siblings: number;
};

/** Lines that are opened by themselves at first: one sees what differs without a click, and not thousands of it. */
const FIRST_LINES = 60;

const fits = (status: PairStatus, shown: Shown): boolean => shown === "all" || (shown === "" ? status !== "identical" : status === shown);

/** What is left of a tree: documents of a status whose path holds the text, of these pairs where some are given, and the
 *  folders they are in. Null: nothing. */
export function narrowed(node: TreeNode, shown: Shown, text: string, members?: ReadonlySet<string>): TreeNode | null {
  const wanted = text.trim().toLowerCase();
  const walk = (one: TreeNode): TreeNode | null => {
    if (!one.children) {
      const isMember = members === undefined || members.has(one.pair_id ?? "");
      return isMember && fits(one.status, shown) && one.path.toLowerCase().includes(wanted) ? one : null;
    }
    const children = one.children.map(walk).filter((child) => child !== null);
    return children.length > 0 ? { ...one, children } : null;
  };
  return walk(node);
}

/** The folders that are open at first: from the top, level by level, as long as there are not too many lines. */
export function firstOpen(root: TreeNode): Set<string> {
  const open = new Set<string>();
  let lines = root.children?.length ?? 0;
  let level = root.children ?? [];
  while (level.length > 0) {
    const folders = level.filter(({ children }) => children);
    const more = folders.reduce((sum, { children }) => sum + (children?.length ?? 0), 0);
    if (lines + more > FIRST_LINES) break;
    for (const { path } of folders) open.add(path);
    lines += more;
    level = folders.flatMap(({ children }) => children ?? []);
  }
  return open;
}

/** The tree as lines, from the top to the bottom; of a folder that is closed only itself. The root is not drawn. */
export function linesOf(root: TreeNode | null, isOpen: (path: string) => boolean): Line[] {
  const lines: Line[] = [];
  const walk = (nodes: readonly TreeNode[], level: number, parent: number): void => {
    nodes.forEach((node, at) => {
      const isFolder = Boolean(node.children);
      const open = isFolder && isOpen(node.path);
      lines.push({ node, level, parent, open, isFolder, place: at + 1, siblings: nodes.length });
      if (open) walk(node.children ?? [], level + 1, lines.length - 1);
    });
  };
  walk(root?.children ?? [], 1, -1);
  return lines;
}

export type Act = { kind: "go"; to: number } | { kind: "open" | "close"; paths: string[] } | { kind: "choose" };

/** What a key does in the tree, as the pattern for trees has it; null: nothing. */
export function actOf(key: string, lines: readonly Line[], at: number): Act | null {
  const line = lines[at];
  if (!line) return lines.length > 0 ? { kind: "go", to: 0 } : null;
  const go = (to: number): Act => ({ kind: "go", to: Math.max(0, Math.min(lines.length - 1, to)) });
  switch (key) {
    case "ArrowDown": return go(at + 1);
    case "ArrowUp": return go(at - 1);
    case "Home": return go(0);
    case "End": return go(lines.length - 1);
    case "PageDown": return go(at + 15);
    case "PageUp": return go(at - 15);
    case "ArrowRight":
      if (!line.isFolder) return null;
      return line.open ? go(at + 1) : { kind: "open", paths: [line.node.path] };
    case "ArrowLeft":
      if (line.open) return { kind: "close", paths: [line.node.path] };
      return line.parent >= 0 ? go(line.parent) : null;
    case "*":
      return { kind: "open", paths: lines.filter(({ parent, isFolder }) => isFolder && parent === line.parent).map(({ node }) => node.path) };
    case "Enter":
    case " ":
      return line.isFolder ? { kind: line.open ? "close" : "open", paths: [line.node.path] } : { kind: "choose" };
    default: return null;
  }
}

/** The next line whose name begins with what was typed, from a line on and around; -1: none. */
export function typedAhead(lines: readonly Line[], from: number, typed: string): number {
  const wanted = typed.toLowerCase();
  // One letter again goes on to the next; more letters may still mean the line one is on.
  const start = typed.length > 1 ? from : from + 1;
  for (let step = 0; step < lines.length; step += 1) {
    const at = (start + step + lines.length) % lines.length;
    if (lines[at]?.node.name.toLowerCase().startsWith(wanted)) return at;
  }
  return -1;
}
