from workflow.rules.scores import faults, total

MAXIMA = {"quality": 60, "impact": 30, "team": 10}


def test_points_inside_every_criterion_have_no_faults():
    assert faults({"team": 10, "quality": 0, "impact": 15}, MAXIMA) == ()


def test_every_fault_names_its_criterion():
    points = {"quality": 61, "impact": -1, "speed": 5}

    assert faults(points, MAXIMA) == (
        "criterion 'team' has no points",
        "criterion 'speed' is not in the call",
        "criterion 'impact' has -1 points: it takes from 0 to 30",
        "criterion 'quality' has 61 points: it takes from 0 to 60",
    )


def test_faults_come_by_name_whatever_the_order_of_the_criteria():
    assert faults({}, MAXIMA) == faults({}, dict(reversed(MAXIMA.items())))
    assert faults({}, MAXIMA) == (
        "criterion 'impact' has no points",
        "criterion 'quality' has no points",
        "criterion 'team' has no points",
    )


def test_the_score_is_the_sum_of_the_points():
    assert total({"quality": 40, "impact": 20, "team": 5}) == 65
