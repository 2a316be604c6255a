import type { ProjectName } from '@odometer/database/registry';
import { OdometerError } from '@odometer/domain/errors';
import { parseTopicTemplate, readTopic } from '@odometer/domain/topic-template';

const DEVICE = 'smoke';

/**
 * A topic that a device of the project would publish to, and whose usage a message there is: of the organization `default` where
 * the template names none.
 *
 * @throws OdometerError `smoke_refused`: the template is none.
 */
export function smokeTopic(
  template: string,
  { organization, project }: ProjectName,
): { readonly topic: string; readonly owner: ProjectName } {
  const what = 'a message was published';
  const parsed = parseTopicTemplate(template, []);
  if (typeof parsed === 'string')
    throw new OdometerError('smoke_refused', { what, reason: parsed });
  const names: Readonly<Record<string, string>> = {
    '{organization}': organization,
    '{project}': project,
    '{device}': DEVICE,
    '+': DEVICE,
    '#': DEVICE,
  };
  const topic = template
    .split('/')
    .map((segment) => names[segment] ?? segment)
    .join('/');
  const owner = readTopic(parsed, topic);
  if (typeof owner === 'string') throw new OdometerError('smoke_refused', { what, reason: owner });
  return { topic, owner: { organization: owner.organization, project: owner.project } };
}
