/** The tag `tenant` of what stands for all tenants, and of the key where there is no division. */
export const ALL_KEY = '_all'
/** The key of rows that have no value of their grouping. */
export const NO_KEY = '_none'
/** The key that stands for those beyond the budget. */
export const OTHER_KEY = '_other'
