import type { AwsClients } from '@odometer/aws/aws-clients';
import { OdometerError } from '@odometer/domain/errors';
import type { RegistryDeclaration } from '@odometer/domain/registries/registry-declaration';
import { declaredVariable } from '@odometer/service-kit/declared-variable';
import { EcrClient } from './ecr-client.ts';
import type { Credentials } from './oci-authorization.ts';
import { OciClient } from './oci-client.ts';
import type { RegistryClient } from './registry-client.ts';

/**
 * Makes what asks a declared registry.
 *
 * @param env where the passwords are.
 * @throws OdometerError `target_denied` when the credentials are not in the environment.
 */
export function connectRegistry(
  declaration: RegistryDeclaration,
  aws: AwsClients,
  env: NodeJS.ProcessEnv,
): RegistryClient {
  if (declaration.type === 'oci')
    return new OciClient(declaration, credentialsOf(declaration, env));
  const { region, endpoint, roleArn, externalId, registryId } = declaration;
  const target = { region, endpoint, roleArn, externalId, account: registryId };
  return new EcrClient(aws.ecr(target), declaration);
}

function credentialsOf(
  { name, credentialsEnv }: Extract<RegistryDeclaration, { type: 'oci' }>,
  env: NodeJS.ProcessEnv,
): Credentials | undefined {
  if (credentialsEnv === undefined) return undefined;
  const target = `registry ${name}`;
  const text = declaredVariable(env, credentialsEnv, target);
  const colon = text.indexOf(':');
  if (colon === -1) {
    const reason = `${credentialsEnv} of this process should be user:password`;
    throw new OdometerError('target_denied', { target, reason });
  }
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
