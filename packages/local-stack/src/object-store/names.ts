/** What the emulator of the local stack has from the start. */
export const DEMO_BUCKET = 'demo-assets';
export const DEMO_QUEUE = 'demo-notifications';
