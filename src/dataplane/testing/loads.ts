/** Constant traffic from a place: the same questions again and again, every answer counted. */
import type { Load, Question } from './place.ts';

export class Loads {
  readonly #ask: (question: Question) => Promise<string>;
  readonly #underWay = new Set<Promise<unknown>>();
  #stopped = false;
  #lanes: Promise<unknown>[] = [];
  #asked = 0;
  #failed: string[] = [];
  #servers: Record<string, number> = {};

  constructor(ask: (question: Question) => Promise<string>) {
    this.#ask = ask;
  }

  start(questions: readonly Question[], lanes: number): void {
    this.#stopped = false;
    [this.#asked, this.#failed, this.#servers] = [0, [], {}];
    this.#lanes = Array.from({ length: lanes }, (_, i) => this.#lane(questions, i));
  }

  async settle(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async stop(): Promise<Load> {
    this.#stopped = true;
    await Promise.all(this.#lanes);
    return { asked: this.#asked, failed: this.#failed, servers: this.#servers };
  }

  async #lane(questions: readonly Question[], start: number): Promise<void> {
    for (let i = start; !this.#stopped; i++) {
      const question = questions[i % questions.length];
      if (question === undefined) return;
      const asked = this.#ask(question);
      this.#underWay.add(asked);
      const answer = await asked;
      this.#underWay.delete(asked);
      this.#asked++;
      const [server = ''] = answer.split(' ');
      if (answer.includes(' ')) this.#servers[server] = (this.#servers[server] ?? 0) + 1;
      else this.#failed.push(`${question.protocol} ${question.address}: ${answer}`);
    }
  }
}
