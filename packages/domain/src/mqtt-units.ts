/** One metering unit of MQTT traffic: 5 KiB begun, as AWS IoT and HiveMQ bill it. */
const UNIT_BYTES = 5120;

/**
 * Metering units of one message. `sizeBytes` is topic plus payload, as MQTT carries them: properties, the fixed header
 * and what TCP and TLS add are not metered.
 */
export function messageUnits(sizeBytes: number): number {
  return Math.ceil(sizeBytes / UNIT_BYTES);
}
