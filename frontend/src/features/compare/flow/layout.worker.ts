import { laidOut, type Drawing, type Places } from "./layout";

export type Asked = { turn: number; drawing: Drawing };
export type Answered = { turn: number; places: Places };

// A thousand nodes take a tenth of a second and more: not where the page is drawn.
addEventListener("message", ({ data }: MessageEvent<Asked>) => {
  const answer: Answered = { turn: data.turn, places: laidOut(data.drawing) };
  postMessage(answer);
});
