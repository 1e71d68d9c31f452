"""Operations: what each op of a graph does to arrays, by kind; `table` lists them."""
