import type { components } from "./schema";

type Schemas = components["schemas"];

export type User = Schemas["User"];
export type Grant = Schemas["Grant"];
export type OwnSession = Schemas["Session"];
export type AnySession = Schemas["AdministeredSession"];
export type ListedUser = Schemas["ListedUser"];
export type CreatedUser = Schemas["CreatedUser"];
export type Collection = Schemas["Collection"];
export type Group = Schemas["Group"];
export type Warning = Schemas["Warning"];
export type Document = Schemas["Document"];
export type DocumentShape = Schemas["DocumentShape"];
export type TablePage = Schemas["TablePage"];
export type Job = Schemas["Job"];
export type Grouping = Collection["grouping"];
export type Role = User["role"];
