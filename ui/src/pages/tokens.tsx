import { Page } from "../parts/basics";
export function Tokens() { return <Page title="Tokens">{null}</Page>; }
