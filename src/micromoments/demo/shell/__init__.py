"""The shell, shared by the experiences: the app around what each does, its pages, its talk with the engine, its days.

An experience says who it is (``Face``), what its doors do and what runs beside (``Experience``), and how it is started
(``command``). Its folder ``pages`` holds what is its own; the frame, the map, texts, styles, the worker for when there
is no connection and the manifest come from here. ``Advisor`` and ``Offers`` ask the engine and remember what it said;
``Days`` are simulated customers who lived before anybody looks. Nothing is imported here: the days need no server.
"""
