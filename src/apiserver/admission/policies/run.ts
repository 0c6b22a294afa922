/**
 * The expressions of a policy over one object: variables are worked out when they are named, and all of them have one budget.
 * Upstream: apiserver/pkg/admission/plugin/cel/activation.go (Evaluate) and composition.go.
 */
import type { Compiled, CompiledParts } from '../../../api/admission-cel/index.ts';
import { CostExceeded, EvalError, Struct } from '../../../api/cel/index.ts';
import type { Value } from '../../../api/cel/index.ts';
import { expressionLimit } from '../match-conditions.ts';

export type Variables = (name: string) => Value | undefined;

const budget = 10_000_000;
const tooDear = 'operation cancelled: actual cost limit exceeded';

export class PolicyRun {
  readonly #input: Variables;
  #left = budget;

  constructor({ variables }: Pick<CompiledParts, 'variables'>, input: Variables) {
    const fields = new Map(
      variables.map(({ name, expression }) => [name, (): Value => this.#variable(name, expression)] as const),
    );
    const composed = new Struct('kubernetes.variables', fields);
    this.#input = (name) => (name === 'variables' ? composed : input(name));
  }

  /** An error is a value; throws CostExceeded when nothing more may be run. */
  evaluate({ program, error, source }: Compiled): Value | EvalError {
    if (program === undefined) return new EvalError(`compilation error: ${error ?? ''}`);
    const { value, cost } = program.run(this.#input, expressionLimit);
    this.#left -= cost;
    if (this.#left < 0) throw new CostExceeded();
    const failed = (why: string): EvalError => new EvalError(`expression '${source}' resulted in error: ${why}`);
    if (value instanceof CostExceeded) return failed(tooDear);
    return value instanceof Error ? failed(value.message) : value;
  }

  #variable(name: string, { program, error }: Compiled): Value {
    const why = (text: string): EvalError =>
      new EvalError(`composited variable ${JSON.stringify(name)} fails to ${text}`);
    if (program === undefined) throw why(`compile: ${error ?? ''}`);
    const { value, cost } = program.run(this.#input, expressionLimit);
    this.#left -= cost;
    if (value instanceof CostExceeded) throw why(`evaluate: ${tooDear}`);
    if (value instanceof Error) throw why(`evaluate: ${value.message}`);
    return value;
  }
}
