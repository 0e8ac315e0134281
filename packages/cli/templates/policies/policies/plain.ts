import * as policies from '@preflow/policies'

/** With the defaults of @preflow/policies: give it options of your own. */
// sample of plain
export const sourceAddress = () => policies.sourceAddress({})
// end of sample
