import { z } from 'zod';

/**
 * Address of something that speaks HTTP, and nothing else: it is stored and shown as it is declared, so it has no
 * credentials, and we put paths behind it, so it has no query.
 */
export const endpointSchema = z.url({ protocol: /^https?$/ }).refine((text) => {
  // zod asks on after what is no URL, and says so itself.
  if (!URL.canParse(text)) return true;
  const { username, password, search, hash } = new URL(text);
  return username + password + search + hash === '';
}, 'should be an http or https URL without credentials, query and fragment');

/** Region of AWS, or what a self-hosted store is told in its place. The SDK makes names of hosts of it. */
export const regionSchema = z
  .string()
  .regex(/^[a-z0-9-]{1,64}$/, 'should be 1 to 64 small letters, digits and -');
