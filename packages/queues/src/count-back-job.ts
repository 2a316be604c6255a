import type { CountBack } from './catalogue.ts';

/** The same for whoever asks for it: there is one job at most that counts a meter back. */
export function countBackJobId({ meter, part }: CountBack): string {
  return `count-back.${meter}.${part}`;
}
