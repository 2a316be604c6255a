import type { AnswerSink, EngineAnswer, EngineColumn } from './engine.ts';

/** Keeps an answer whole, for who wants to see it as the engine says it. */
export class CollectedRows implements AnswerSink {
  #columns: readonly EngineColumn[] = [];
  #rows: EngineAnswer['rows'][number][] = [];

  begin(columns: readonly EngineColumn[]): void {
    this.#columns = columns;
    this.#rows = [];
  }

  async add(rows: EngineAnswer['rows']): Promise<void> {
    this.#rows.push(...rows);
  }

  get answer(): Pick<EngineAnswer, 'columns' | 'rows'> {
    return { columns: this.#columns, rows: this.#rows };
  }
}
