/** The tag `tenant` of points over all tenants, and the key of points without a grouping. */
export const ALL_KEY = '_all'
/** The key of rows that have no value of their grouping. */
export const NO_KEY = '_none'
/** The key of points beyond the budget. */
export const OTHER_KEY = '_other'
