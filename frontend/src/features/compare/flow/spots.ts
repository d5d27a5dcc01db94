import type { TreeNode } from "../types";

/** More nodes than this are never drawn: beyond it, the picture can neither be read nor moved. */
export const LIMIT = 1000;
/** Children of one folder that are drawn at once; the others are a step away. */
export const PAGE = 40;

/** One node of the picture: a folder or document, or the way to siblings that are not drawn. */
export type Spot = {
  readonly id: string;
  readonly kind: "place" | "earlier" | "later";
  /** The place itself; of a way to others, the folder that they are in. */
  readonly node: TreeNode;
  readonly parent: string | null;
  /** From 1. */
  readonly level: number;
  /** Which of its siblings it is, from 1, and how many they are. */
  readonly place: number;
  readonly siblings: number;
  readonly isFolder: boolean;
  readonly open: boolean;
  /** How many siblings are behind a way to them. */
  readonly rest: number;
};

/** The folders that are open, each with the first of its children that is drawn. */
export type Open = ReadonlyMap<string, number>;

export const idOf = ({ pair_id, path }: TreeNode): string => (pair_id ? `pair ${pair_id}` : `path ${path}`);

/** Where the picture begins: what has everything in it. A single archive stands for itself. */
export function startOf(root: TreeNode): TreeNode {
  const [only, ...others] = root.children ?? [];
  return only && others.length === 0 && only.children ? only : root;
}

/** What is open at first: the first level, and further down as long as there is only one way. */
export function openAtFirst(root: TreeNode): Open {
  const open = new Map<string, number>();
  let at: TreeNode | undefined = startOf(root);
  while (at?.children) {
    open.set(idOf(at), 0);
    at = at.children.length === 1 ? at.children[0] : undefined;
  }
  return open;
}

const drawnOf = (node: TreeNode, from: number): readonly TreeNode[] => (node.children ?? []).slice(from, from + PAGE);

/** All nodes that are drawn, each before its children. `cut`: there would be more than the limit. */
export function spotsOf(root: TreeNode, open: Open, limit = LIMIT): { spots: Spot[]; cut: boolean } {
  const spots: Spot[] = [];
  let cut = false;
  const put = (spot: Spot): boolean => {
    cut ||= spots.length >= limit;
    if (!cut) spots.push(spot);
    return !cut;
  };
  const walk = (node: TreeNode, parent: string | null, level: number, place: number, siblings: number): void => {
    const id = idOf(node);
    const isFolder = Boolean(node.children);
    const given = isFolder ? open.get(id) : undefined;
    if (!put({ id, kind: "place", node, parent, level, place, siblings, isFolder, open: given !== undefined, rest: 0 })) return;
    if (given === undefined) return;
    const all = node.children?.length ?? 0;
    const from = Math.min(given, Math.max(0, all - 1));
    const way = (kind: "earlier" | "later", rest: number, at: number): void => {
      if (rest > 0) put({ id: `${kind} ${id}`, kind, node, parent: id, level: level + 1, place: at, siblings: all, isFolder: false, open: false, rest });
    };
    way("earlier", from, Math.max(1, from));
    drawnOf(node, from).forEach((child, at) => {
      walk(child, id, level + 1, from + at + 1, all);
    });
    way("later", all - from - PAGE, Math.min(all, from + PAGE + 1));
  };
  walk(startOf(root), null, 1, 1, 1);
  return { spots, cut };
}

/** The part of a folder's children behind a way to them. */
export function turned(open: Open, { kind, node }: Spot): Open {
  const id = idOf(node);
  const from = open.get(id) ?? 0;
  return new Map(open).set(id, kind === "earlier" ? Math.max(0, from - PAGE) : from + PAGE);
}

/** Opens a folder or closes it; null: the picture would have too many nodes. What was open in it stays so. */
export function toggled(root: TreeNode, open: Open, id: string): Open | null {
  const next = new Map(open);
  if (next.delete(id)) return next;
  next.set(id, 0);
  return spotsOf(root, next).cut ? null : next;
}

/** Everything open, level by level, as far as the limit goes; `left`: folders that stay closed. */
export function openAll(root: TreeNode, limit = LIMIT): { open: Open; left: number } {
  const open = new Map<string, number>();
  let drawn = 1;
  let left = 0;
  let level = [startOf(root)];
  while (level.length > 0) {
    const next: TreeNode[] = [];
    for (const node of level) {
      if (!node.children) continue;
      const more = Math.min(node.children.length, PAGE) + (node.children.length > PAGE ? 1 : 0);
      if (drawn + more > limit) {
        left += 1;
        continue;
      }
      drawn += more;
      open.set(idOf(node), 0);
      next.push(...drawnOf(node, 0));
    }
    level = next;
  }
  return { open, left };
}
