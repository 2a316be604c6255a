import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

/** A metric that a query asks for, and what is made of it. */
export interface Selector {
  readonly metric: string;
  /** Label → what is compared with it, without its quotes. */
  readonly matchers: readonly (readonly [label: string, value: string])[];
  /** Names of the functions and aggregations around it, the innermost first. */
  readonly within: readonly string[];
  /** Labels by which one of the aggregations around it groups. */
  readonly groupedBy: readonly string[];
}

/** The query with numbers where Grafana puts some. */
export function withoutVariables(query: string): string {
  return query.replaceAll('$__rate_interval', '5m').replaceAll('$__range', '3h');
}

/** Takes a query apart. @throws SyntaxError when Prometheus could not read it. */
export function selectors(query: string): readonly Selector[] {
  const found: Selector[] = [];
  parser.parse(query).iterate({
    enter({ node }) {
      if (node.type.isError) throw new SyntaxError(`${query}: at ${node.from}`);
      if (node.name === 'VectorSelector') found.push(selector(node, query));
    },
  });
  return found;
}

function selector(node: SyntaxNode, query: string): Selector {
  const text = (each: SyntaxNode | null) => (each === null ? '' : query.slice(each.from, each.to));
  const within: string[] = [];
  const groupedBy: string[] = [];
  for (let around = node.parent; around !== null; around = around.parent) {
    if (around.name === 'FunctionCall') within.push(text(around.getChild('FunctionIdentifier')));
    if (around.name !== 'AggregateExpr') continue;
    within.push(text(around.getChild('AggregateOp')));
    groupedBy.push(...labelsOf(around.getChild('AggregateModifier')).map(text));
  }
  const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
  return {
    metric: text(node.getChild('Identifier')),
    matchers: matchers.map((matcher) => [
      text(matcher.getChild('LabelName')),
      text(matcher.getChild('StringLiteral')).slice(1, -1),
    ]),
    within,
    groupedBy,
  };
}

function labelsOf(modifier: SyntaxNode | null): readonly SyntaxNode[] {
  return modifier?.getChild('GroupingLabels')?.getChildren('LabelName') ?? [];
}
