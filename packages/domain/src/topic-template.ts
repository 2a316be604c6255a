import { isSlug } from './slug.ts';
import type { Owner } from './subject.ts';

/** Why a topic names no owner. A closed set: it labels a metric. */
export type TopicRejection = 'topic_outside_template' | 'empty_segment' | 'invalid_name';

/** Whose message it is, and whether the cloud sent it to the device (outbound) or the device to the cloud. */
export interface TopicOwner extends Owner {
  readonly outbound: boolean;
}

/** Where a topic names its owner. Made by `parseTopicTemplate`; treat it as opaque. */
export interface TopicTemplate {
  readonly segments: readonly string[];
  /** The template ends in `#`: anything may follow. */
  readonly open: boolean;
  readonly organizationAt: number;
  readonly projectAt: number;
  readonly deviceAt: number;
  readonly outboundNames: ReadonlySet<string>;
  /** The MQTT filter that matches exactly the topics of this template. */
  readonly filter: string;
  /**
   * How many leading segments decide everything: topics that agree in them have the same owner and direction, so a
   * cache may use that prefix as its key.
   */
  readonly decisiveSegments: number;
}

const PLACEHOLDERS = ['{organization}', '{project}', '{device}'] as const;

/**
 * Reads a template like `roboticks/{organization}/{project}/{device}/#`. `{project}` is required; without
 * `{organization}` all belongs to `default`; `+` stands for a segment that does not matter. A message is outbound when
 * the segment after the last placeholder is one of `outboundNames`.
 *
 * @returns the template, or a sentence that says what is wrong with it. Never throws.
 */
export function parseTopicTemplate(
  text: string,
  outboundNames: readonly string[],
): TopicTemplate | string {
  const all = text.split('/');
  const open = all.at(-1) === '#';
  const segments = open ? all.slice(0, -1) : all;
  for (const segment of segments) {
    const problem = segmentProblem(segment);
    if (problem !== undefined) return problem;
  }
  if (segments[0]?.startsWith('$')) return 'a template must not start with $';
  for (const placeholder of PLACEHOLDERS) {
    if (segments.indexOf(placeholder) !== segments.lastIndexOf(placeholder)) {
      return `${placeholder} appears twice`;
    }
  }
  const [organizationAt, projectAt, deviceAt] = PLACEHOLDERS.map((placeholder) =>
    segments.indexOf(placeholder),
  ) as [number, number, number];
  if (projectAt === -1) return 'the template has no {project}';
  return {
    segments,
    open,
    organizationAt,
    projectAt,
    deviceAt,
    outboundNames: new Set(outboundNames),
    filter: all.map((segment) => (segment.startsWith('{') ? '+' : segment)).join('/'),
    // One more than the template names: the segment after the device gives the direction.
    decisiveSegments: segments.length + 1,
  };
}

function segmentProblem(segment: string): string | undefined {
  if (segment === '') return 'the template has an empty segment';
  if (segment === '+' || PLACEHOLDERS.some((placeholder) => placeholder === segment)) {
    return undefined;
  }
  return /[{}+#]/.test(segment)
    ? `"${segment}" is neither a name, {organization}, {project}, {device} nor +`
    : undefined;
}

/** Whose message a topic carries, or why it is nobody's. Never throws, whatever the topic holds. */
export function readTopic(template: TopicTemplate, topic: string): TopicOwner | TopicRejection {
  const parts = topic.split('/');
  const { segments } = template;
  if (parts.length < segments.length || (!template.open && parts.length > segments.length)) {
    return 'topic_outside_template';
  }
  for (const [index, segment] of segments.entries()) {
    const part = parts[index] ?? '';
    if (segment.startsWith('{')) {
      if (part === '') return 'empty_segment';
      if (!isSlug(part)) return 'invalid_name';
    } else if (segment !== '+' && segment !== part) {
      return 'topic_outside_template';
    }
  }
  const lastPlaceholder = Math.max(template.organizationAt, template.projectAt, template.deviceAt);
  const owner = {
    organization: parts[template.organizationAt] ?? 'default',
    project: parts[template.projectAt] ?? '',
    outbound: template.outboundNames.has(parts[lastPlaceholder + 1] ?? ''),
  };
  const device = parts[template.deviceAt];
  return device === undefined ? owner : { ...owner, device };
}

/**
 * Whether a filter matches only topics of the template: one of several counters that share the traffic takes a part.
 *
 * @returns undefined when it does, else a sentence that says what is wrong. Never throws.
 */
export function filterProblem(template: TopicTemplate, filter: string): string | undefined {
  const parts = filter.split('/');
  const { segments } = template;
  const ofTemplate = `the template's own filter is ${template.filter}`;
  for (const [index, part] of parts.entries()) {
    if (part !== '+' && part !== '#' && /[+#]/.test(part)) {
      return `"${part}" mixes a wildcard with text`;
    }
    if (part === '#' && index !== parts.length - 1) return '# must come last';
    const segment = segments[index];
    if (segment === undefined) {
      if (!template.open) return `the filter is longer than the template; ${ofTemplate}`;
    } else if (part === '#') {
      return `the filter is wider than the template; ${ofTemplate}`;
    } else if (!segment.startsWith('{') && segment !== '+' && segment !== part) {
      return `"${part}" is outside the template; ${ofTemplate}`;
    } else if (part === '') {
      return 'the filter has an empty segment';
    }
  }
  return parts.length < segments.length
    ? `the filter is shorter than the template; ${ofTemplate}`
    : undefined;
}

/** Whether some topic matches both filters: whoever subscribed to both would count it twice. */
export function filtersOverlap(one: string, other: string): boolean {
  const [a, b] = [one.split('/'), other.split('/')];
  for (let level = 0; ; level += 1) {
    const [left, right] = [a[level], b[level]];
    // # matches the level above it, too.
    if (left === '#' || right === '#') return true;
    if (left === undefined || right === undefined) return left === right;
    if (left !== '+' && right !== '+' && left !== right) return false;
  }
}
