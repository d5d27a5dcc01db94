import { defineStore } from "pinia";
import { shallowRef } from "vue";

export type Question = { title: string; text: string; action: string };

/** "Are you sure", for what cannot be taken back. */
export const useConfirm = defineStore("confirm", () => {
  const question = shallowRef<Question | null>(null);
  let answer: (yes: boolean) => void = () => undefined;

  async function ask(given: Question): Promise<boolean> {
    answer(false);
    question.value = given;
    return new Promise((resolve) => {
      answer = resolve;
    });
  }

  function reply(yes: boolean): void {
    question.value = null;
    answer(yes);
    answer = () => undefined;
  }

  return { question, ask, reply };
});
