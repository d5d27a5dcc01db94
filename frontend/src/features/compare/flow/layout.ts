import { Graph, layout } from "@dagrejs/dagre";
import type { Spot } from "./spots";

/** What a layout is made of, as it goes to the worker. */
export type Drawing = { readonly boxes: readonly { readonly id: string; readonly width: number; readonly height: number }[]; readonly lines: readonly (readonly [from: string, to: string])[] };
/** The upper left corner of each box. */
export type Places = Record<string, { x: number; y: number }>;

export const WIDTH = 288;
export const HEIGHT = 60;
/** Of the way to further siblings. */
export const LOW = 32;
const BESIDE = 10;
const BETWEEN = 72;

export const heightOf = ({ kind }: Pick<Spot, "kind">): number => (kind === "place" ? HEIGHT : LOW);

export function drawingOf(spots: readonly Spot[]): Drawing {
  return {
    boxes: spots.map((spot) => ({ id: spot.id, width: WIDTH, height: heightOf(spot) })),
    lines: spots.flatMap(({ id, parent }) => (parent === null ? [] : [[parent, id] as const])),
  };
}

/** Lays a tree out from left to right: siblings keep their order, a folder stands beside the first of its children. */
export function laidOut({ boxes, lines }: Drawing): Places {
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", nodesep: BESIDE, ranksep: BETWEEN, ranker: "tight-tree", align: "UL" });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id, width, height } of boxes) graph.setNode(id, { width, height });
  for (const [from, to] of lines) graph.setEdge(from, to);
  // A tree has no crossing lines, and its children have an order already.
  layout(graph, { disableOptimalOrderHeuristic: true });
  return Object.fromEntries(boxes.map(({ id, width, height }) => {
    const { x = 0, y = 0 } = graph.node(id) as { x?: number; y?: number };
    return [id, { x: Math.round(x - width / 2), y: Math.round(y - height / 2) }];
  }));
}
