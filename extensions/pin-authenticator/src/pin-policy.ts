/** What a PIN must be. */
export interface PinPolicy {
  /** Fewest digits. */
  minLength: number
}

/** Most digits. More would be a password that is tedious to type. */
export const MAX_PIN_LENGTH = 12
const MIN_DIFFERENT_DIGITS = 3

/** Whether a text can be a PIN at all: what the page checks before it counts an attempt. */
export function isPin(text: string): boolean {
  return /^\d+$/.test(text) && text.length <= MAX_PIN_LENGTH
}

/**
 * Says why a new PIN is too easy to guess.
 *
 * @param names Whatever others know about the user, such as the user name: a PIN found inside one of them is refused.
 * @returns A sentence without the PIN, or `undefined` when the PIN is good.
 */
export function weaknessOf(pin: string, policy: PinPolicy, names: readonly string[] = []): string | undefined {
  const rules: [broken: () => boolean, says: string][] = [
    [
      () => !isPin(pin) || pin.length < policy.minLength,
      `must be ${policy.minLength} to ${MAX_PIN_LENGTH} digits and nothing else`,
    ],
    [() => new Set(pin).size < MIN_DIFFERENT_DIGITS, `must have at least ${MIN_DIFFERENT_DIGITS} different digits`],
    [() => isRun(pin, 1) || isRun(pin, 9), 'must not count up or down, like 345678'],
    [() => /^(\d+)\1+$/.test(pin), 'must not repeat a part, like 472472'],
    [() => names.some(name => name.includes(pin)), 'must not be part of the user name or id'],
  ]
  return rules.find(([broken]) => broken())?.[1]
}

/** Every digit is `step` after the one before; after 9 comes 0, so 9 counts down. */
function isRun(pin: string, step: number): boolean {
  return [...pin].every((digit, at) => at === 0 || Number(digit) === (Number(pin[at - 1]) + step) % 10)
}
