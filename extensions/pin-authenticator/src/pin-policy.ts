/** The rules for a PIN. */
export interface PinPolicy {
  /** Minimum digits. */
  minLength: number
}

/** Maximum digits. A longer PIN would be a password that is tedious to type. */
export const MAX_PIN_LENGTH = 12
const MIN_DIFFERENT_DIGITS = 3

/** Whether a string can be a PIN at all. The page checks this before it counts an attempt. */
export function isPin(text: string): boolean {
  return /^\d+$/.test(text) && text.length <= MAX_PIN_LENGTH
}

/**
 * Explains why a new PIN is too easy to guess.
 *
 * @param names Strings that others know about the user, such as the user name. A PIN inside one of them is rejected.
 * @returns A sentence without the PIN, or `undefined` if the PIN is good.
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

/** Whether each digit differs from the previous one by `step`. 0 follows 9, so 9 counts down. */
function isRun(pin: string, step: number): boolean {
  return [...pin].every((digit, at) => at === 0 || Number(digit) === (Number(pin[at - 1]) + step) % 10)
}
