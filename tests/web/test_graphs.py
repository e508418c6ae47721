"""Where the boxes and lines of a graph stand."""

from registry.web.graphs import HEIGHT, WIDTH, Edge, Node, columns_of, laid_out


def test_who_others_come_from_stands_further_left() -> None:
    edges = [("a", "b"), ("a", "this"), ("b", "this")]

    assert columns_of(["this", "a", "b"], edges, "this") == {"this": 0, "b": -1, "a": -2}


def test_a_circle_ends_somewhere() -> None:
    places = columns_of(["this", "a", "b"], [("a", "b"), ("b", "a"), ("b", "this")], "this")

    assert places["this"] == 0
    assert places["b"] < 0


def test_boxes_never_lie_on_each_other_and_lines_end_at_boxes() -> None:
    nodes = [Node("this", 0, (0,)), *(Node(f"n{i}", 1, (0, 1)) for i in range(5)), Node("up", -1)]
    graph = laid_out(nodes, [Edge("up", "this"), *(Edge("this", f"n{i}", (0,)) for i in range(5))])

    places = [(box.x, box.y) for box in graph.boxes.values()]
    assert len(set(places)) == 7
    assert all(x + WIDTH <= graph.width and y + HEIGHT <= graph.height for x, y in places)
    column = sorted(box.y for key, box in graph.boxes.items() if key.startswith("n"))
    assert all(after - before >= HEIGHT for before, after in zip(column, column[1:], strict=False))
    assert len(graph.curves) == 6
    assert [band.look for band in graph.curves[1].bands] == [0]
    assert graph.curves[0].path.startswith(f"M{graph.boxes['up'].x + WIDTH} ")
    assert f" L{graph.boxes['this'].x} " in graph.curves[0].tip


def test_between_two_of_one_column_goes_a_line_without_an_arrow() -> None:
    graph = laid_out([Node("this", 0), Node("alike", 0)], [Edge("alike", "this")])

    upper = graph.boxes["this"]
    assert graph.curves[0].path.startswith(f"M{upper.x + WIDTH // 2} {upper.y + HEIGHT} ")
    assert graph.curves[0].tip == ""
